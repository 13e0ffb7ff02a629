//! One question at a time: whoever asks what is being asked already waits for that answer.
//!
//! A question is asked by a task of its own. Who gave up waiting, or had something to fall back on,
//! takes nothing away from the others, and an answer that comes late is kept all the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::entry::{Entry, Verdict, Wanted};
use super::key::Name;
use super::shared::{LEASE, Lease, Shared, Standing};
use super::{Answer, Kept, Reads, Source, late};
use crate::clock::Deadline;
use crate::event::Read;
use crate::fault::{Class, Fault};
use crate::salesforce::Spent;
use crate::time::Timestamp;

/// When those look again who wait for another process's answer.
const LOOKS: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(300),
    Duration::from_millis(350),
];

/// What must be left of a call's time for asking a second time to be of use.
const ENOUGH: Duration = Duration::from_secs(1);

/// What came of asking.
#[derive(Clone, Debug)]
struct Landed {
    result: Result<Arc<Entry>, Fault>,
    spent: Spent,
    source: Source,
}

type Landing = watch::Receiver<Option<Landed>>;

/// The questions that are being asked by this process.
#[derive(Clone, Debug, Default)]
pub(super) struct Flights(Arc<Mutex<HashMap<Name, (Timestamp, Landing)>>>);

/// A question being asked. Dropped before it has landed (its task ended in a panic, or with its
/// runtime), it lets everybody go.
struct Flight {
    flights: Flights,
    name: Name,
    landing: watch::Sender<Option<Landed>>,
}

impl Flights {
    /// Takes a seat in the flight of this name. The first one gets the flight too, and starts it. One
    /// that has been up for longer than a lease lasts is not worth waiting for: the process may have
    /// been suspended in the middle of it.
    fn board(&self, name: &Name, now: Timestamp) -> (Landing, Option<Flight>) {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((since, landing)) = flights.get(name)
            && now.since(*since) < LEASE
        {
            return (landing.clone(), None);
        }
        let (sender, landing) = watch::channel(None);
        flights.insert(name.clone(), (now, landing.clone()));
        (landing, Some(Flight { flights: self.clone(), name: name.clone(), landing: sender }))
    }
}

impl Flight {
    /// Tells all on board. Nobody boards any more by then: who does after the news would take an
    /// answer for new that was asked for before.
    fn land(self, landed: Landed) {
        self.close();
        self.landing.send_replace(Some(landed));
    }

    fn close(&self) {
        let mut flights = self.flights.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_this = |(_, landing): &(Timestamp, Landing)| landing.same_channel(&self.landing.subscribe());
        if flights.get(&self.name).is_some_and(is_this) {
            flights.remove(&self.name);
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.close();
    }
}

impl Reads {
    /// Asks, or waits for who is asking the same, until `patience` ends. What is asked for has until
    /// `deadline`.
    pub(super) async fn fly(
        &self,
        read: &Read,
        name: &Name,
        wanted: Wanted,
        patience: Deadline,
        deadline: Deadline,
    ) -> Answer {
        let mut again = false;
        loop {
            let (mut landing, flight) = self.0.flights.board(name, self.now());
            let pilot = flight.is_some();
            if let Some(flight) = flight {
                let (reads, read) = (self.clone(), read.clone());
                tokio::spawn(async move {
                    let landed = reads.travel(&read, &flight.name, wanted, deadline).await;
                    flight.land(landed);
                });
            }
            let landed = match timeout(patience.remaining(), landing.wait_for(Option::is_some)).await {
                Ok(Ok(landed)) => landed.clone(),
                Ok(Err(_)) | Err(_) => None,
            };
            let Some(Landed { result, spent, source }) = landed else {
                if pilot {
                    self.0.health.note_late(self.now());
                }
                // The call that is under way may be counted.
                let spent = Spent { calls: u32::from(pilot), ..Spent::default() };
                return Answer { result: Err(late()), spent, source: Source::Salesforce };
            };
            // Asked by this call, or after it began: right for it, whatever its contact wrote before.
            let new = pilot || (again && source == Source::Salesforce);
            let now = self.now();
            match result {
                Ok(entry) if new || (Wanted { now, ..wanted }).judge(&entry) == Verdict::Fresh => {
                    let (spent, source) =
                        if pilot { (spent, source) } else { (Spent::default(), Source::Memory) };
                    return Answer { result: Ok(entry.found.clone()), spent, source };
                }
                Err(fault)
                    if pilot || again || fault.class == Class::Rejected || patience.remaining() < ENOUGH =>
                {
                    let spent = if pilot { spent } else { Spent::default() };
                    return Answer { result: Err(fault), spent, source: Source::Salesforce };
                }
                // Asked before this contact's own write, or given less time than there is still.
                Ok(_) | Err(_) => again = true,
            }
        }
    }

    /// The flight itself: for the whole fleet if nobody else is on the way, and what it brings is
    /// kept.
    async fn travel(&self, read: &Read, name: &Name, wanted: Wanted, deadline: Deadline) -> Landed {
        // The flight before may have landed while this caller was still looking at the table.
        let now = self.now();
        let wanted = Wanted { now, ..wanted };
        if let Some(entry) = self.remembered(name, now)
            && !wanted.takes_nothing_kept()
            && wanted.judge(&entry) == Verdict::Fresh
        {
            return Landed { result: Ok(entry), spent: Spent::default(), source: Source::Memory };
        }
        let shared = self.0.shared.as_ref().filter(|shared| shared.has_secret());
        let lease = match shared {
            // What others bring would be no answer: they need not be waited for.
            Some(shared) if !wanted.takes_nothing_kept() => shared.lease(name, self.now()).await,
            Some(_) | None => Lease::Unknown,
        };
        if let (Lease::Theirs, Some(shared)) = (lease, shared)
            && let Some(entry) = self.wait_for_fleet(name, shared, wanted, deadline).await
        {
            return Landed { result: Ok(entry), spent: Spent::default(), source: Source::Table };
        }
        let asked_at = self.now();
        let Answer { result, spent, source } = self.ask(read, name, deadline).await;
        let result = result.map(|found| Arc::new(Entry { asked_at, found }));
        let now = self.now();
        let keep = async {
            let Ok(entry) = &result else { return };
            self.remember(name, Kept { at: now, entry: Arc::clone(entry) });
            if let Some(shared) = shared.filter(|_| !entry.holds_any(&self.0.settings.sensitive)) {
                shared.keep(name, entry, self.0.settings.stale, now).await;
            }
        };
        let release = async {
            if let (Some(shared), Lease::Ours) = (shared, lease) {
                shared.release(name, now).await;
            }
        };
        futures::join!(keep, release);
        Landed { result, spent, source }
    }

    /// Another process is asking: its answer, if it comes soon.
    async fn wait_for_fleet(
        &self,
        name: &Name,
        shared: &Shared,
        wanted: Wanted,
        deadline: Deadline,
    ) -> Option<Arc<Entry>> {
        for pause in LOOKS {
            if deadline.remaining() <= pause {
                return None;
            }
            sleep(pause).await;
            let now = self.now();
            if let Ok(Some((entry, Standing::Sure))) = shared.look(name, now).await
                && (Wanted { now, ..wanted }).judge(&entry) == Verdict::Fresh
            {
                return Some(Arc::new(entry));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Wake, Waker};

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    /// Asks the same the moment that it hears of the answer.
    #[derive(Default)]
    struct Again {
        flights: Flights,
        pilot: Mutex<Option<bool>>,
    }

    fn name() -> Name {
        Name("name".to_owned())
    }

    impl Wake for Again {
        fn wake(self: Arc<Self>) {
            let (_, flight) = self.flights.board(&name(), NOW);
            *self.pilot.lock().unwrap() = Some(flight.is_some());
        }
    }

    #[test]
    fn who_hears_of_an_answer_boards_no_flight_that_has_landed() {
        let again = Arc::new(Again::default());
        let (mut landing, flight) = again.flights.board(&name(), NOW);
        let flight = flight.unwrap();
        let (_, second) = again.flights.board(&name(), NOW);
        assert!(second.is_none(), "one flight for both");
        let mut heard = pin!(landing.wait_for(Option::is_some));
        let waker = Waker::from(Arc::clone(&again));
        assert!(heard.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        flight.land(Landed { result: Err(late()), spent: Spent::default(), source: Source::Salesforce });
        assert_eq!(*again.pilot.lock().unwrap(), Some(true));
    }
}
