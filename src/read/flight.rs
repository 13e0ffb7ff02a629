//! One question at a time: whoever asks what is being asked already waits for that answer.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use tokio::sync::watch;

use super::entry::Entry;
use super::key::Name;
use crate::fault::Fault;

/// What came of asking.
#[derive(Clone, Debug)]
pub(super) struct Landed {
    pub(super) result: Result<Arc<Entry>, Fault>,
    /// Whether it was waited for as long as the call allows: nothing could stand in.
    pub(super) patient: bool,
}

/// The questions that are being asked by this process.
#[derive(Debug, Default)]
pub(super) struct Flights(Mutex<HashMap<Name, watch::Receiver<Option<Landed>>>>);

/// A place in a flight.
pub(super) enum Seat<'f> {
    /// Ask, and [`Flight::land`].
    Pilot(Flight<'f>),
    /// Wait.
    Passenger(watch::Receiver<Option<Landed>>),
}

/// A question being asked. Dropped without landing (its caller was cut off), it lets one of those
/// who wait ask again.
pub(super) struct Flight<'f> {
    flights: &'f Flights,
    name: Name,
    landing: watch::Sender<Option<Landed>>,
}

impl Flights {
    /// Takes a seat: the first is the pilot's.
    pub(super) fn board(&self, name: &Name) -> Seat<'_> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(name) {
            return Seat::Passenger(flight.clone());
        }
        let (landing, flight) = watch::channel(None);
        flights.insert(name.clone(), flight);
        Seat::Pilot(Flight { flights: self, name: name.clone(), landing })
    }
}

impl Flight<'_> {
    /// Tells all who wait.
    pub(super) fn land(self, landed: Landed) {
        self.landing.send_replace(Some(landed));
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.flights.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.name);
    }
}
