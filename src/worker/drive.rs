//! The loop: the brain's actions in, what happened out. Poller, Lambda and local mode drive it alike.

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;

use super::lease::{Opened, patience};
use super::send::Sent;
use super::settle::ToSettle;
use super::{Answered, Held, Worker};
use crate::dispatch::{Action, Brain, Job, Key, Settings, Settled, VISIBILITY};
use crate::envelope::{Envelope, WriteId};
use crate::store::{Depth, Handle, Leased, Message, Queue, StoreError};
use crate::telemetry::{Line, Metric};
use crate::time::Timestamp;

/// Something that was done and ended.
enum Event {
    Leased(Vec<Opened>),
    Sent(u64, Sent),
    Settled(Vec<(Key, Settled)>),
    Lost(Vec<Key>),
    Allowed(u32, Timestamp),
    Gauged,
    Nothing,
}

struct Kept {
    held: Held,
    answered: Option<Answered>,
}

/// One run of the loop.
struct Drive {
    worker: Worker,
    brain: Brain,
    messages: HashMap<Key, Kept>,
    /// A write and its generation: a replay is a message of its own beside the one that it outdates.
    keys: HashMap<(WriteId, u32), Key>,
    last_key: Key,
    tasks: FuturesUnordered<BoxFuture<'static, Event>>,
    /// Tasks that must end before the loop may; waiting for messages is none of them.
    open: usize,
    gauge_at: Timestamp,
    /// Whether the loop ends when nothing is left to do: more may come to one that leases.
    until_empty: bool,
}

/// How often a poller tells what waits.
const GAUGE: Duration = Duration::from_secs(30);

impl Worker {
    /// Looks whether the fields that carry identities are unique, then drains the queue until `stop`;
    /// then finishes what is under way, as long as it may, and gives
    /// the rest back.
    pub async fn run(&self, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let open = tokio::select! {
            biased;
            () = &mut stop => return,
            open = self.check_keys(self.keys()) => open,
        };
        let settings = self.inner.settings.dispatch.clone();
        let mut drive = pin!(Drive::new(self.clone(), settings).run(Vec::new(), stop));
        let leftover = tokio::select! {
            biased;
            leftover = &mut drive => leftover,
            () = self.keep_checking(open) => drive.await,
        };
        self.line().closed = None;
        if leftover > 0 {
            Line::new("stopped with writes under way").with("writes", leftover).warning().write();
        }
    }

    /// Works on messages that were handed over, until each is settled or hidden, or until `stop`; the
    /// first batch of a process looks first whether the fields that carry identities are unique. Gives
    /// the handles of those that are settled: whoever handed them over deletes them.
    pub async fn handle_batch(&self, messages: Vec<Leased>, stop: impl Future<Output = ()>) -> Vec<Handle> {
        self.check_keys_when_due().await;
        let handed =
            Arc::new(Handed { queue: self.inner.queue.clone(), deleted: std::sync::Mutex::default() });
        let inner = super::Inner {
            settings: self.inner.settings.clone(),
            owner: self.inner.owner.clone(),
            client: self.inner.client.clone(),
            queue: handed.clone(),
            state: self.inner.state.clone(),
            cache: self.inner.cache.clone(),
            attributes: self.inner.attributes.clone(),
            clock: self.inner.clock.clone(),
            keys: self.inner.keys.clone(),
            fleet: std::sync::Mutex::default(),
        };
        let worker = Self::new(inner);
        let opened = worker.open(messages).await;
        let settings = Settings { leases: false, ..worker.inner.settings.dispatch.clone() };
        Drive::new(worker, settings).run(opened, stop).await;
        std::mem::take(&mut *handed.deleted.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl Drive {
    fn new(worker: Worker, settings: Settings) -> Self {
        let until_empty = !settings.leases;
        let brain = Brain::new(settings, worker.inner.settings.seed);
        Self {
            worker,
            brain,
            until_empty,
            messages: HashMap::new(),
            keys: HashMap::new(),
            last_key: 0,
            tasks: FuturesUnordered::new(),
            open: 0,
            gauge_at: Timestamp::EPOCH,
        }
    }

    /// How many writes were still under way at the end.
    async fn run(mut self, handed: Vec<Opened>, stop: impl Future<Output = ()>) -> usize {
        let until_empty = self.until_empty;
        self.leased(handed);
        let mut stop = pin!(stop);
        let mut stop_by: Option<Timestamp> = None;
        loop {
            self.act();
            self.worker.line().closed = self.brain.closed();
            if !until_empty && stop_by.is_none() {
                self.gauge();
            }
            let ends = until_empty || stop_by.is_some();
            if ends && self.brain.is_idle() && self.open == 0 {
                return 0;
            }
            let now = self.worker.now();
            let gauge = (!until_empty && stop_by.is_none()).then_some(self.gauge_at);
            let wake = [self.brain.poll_timeout(now), stop_by, gauge].into_iter().flatten().min();
            let pause =
                wake.map_or(Duration::from_secs(60), |at| at.since(now)).max(Duration::from_millis(1));
            tokio::select! {
                biased;
                () = &mut stop, if stop_by.is_none() => {
                    stop_by = Some(self.worker.now().plus(self.worker.inner.settings.drain));
                    self.brain.stop();
                }
                Some(event) = self.tasks.next(), if !self.tasks.is_empty() => self.happened(event),
                () = tokio::time::sleep(pause) => {}
            }
            if stop_by.is_some_and(|by| by <= self.worker.now()) {
                return self.brain.held();
            }
        }
    }

    /// Everything the brain wants now.
    fn act(&mut self) {
        let mut settle = Vec::new();
        while let Some(action) = self.brain.poll(self.worker.now()) {
            match action {
                Action::Lease { max } => {
                    let wait = self.worker.inner.settings.poll_wait;
                    self.task(move |w| async move { Event::Leased(w.lease(max, wait).await) });
                    self.open -= 1;
                }
                Action::Allow { calls } => self.task(move |w| async move {
                    let (calls, until) = w.allowance(calls).await;
                    Event::Allowed(calls, until)
                }),
                Action::Send(call) => {
                    let held =
                        call.shape.keys().filter_map(|key| Some(self.messages.get(&key)?.held.clone()));
                    let held: Vec<Held> = held.collect();
                    self.task(
                        move |w| async move { Event::Sent(call.number, w.send(call.shape, held).await) },
                    );
                }
                Action::Settle { key, verdict } => {
                    if let Some(message) = self.messages.get_mut(&key) {
                        let answered = message.answered.take();
                        settle.push(ToSettle { held: message.held.clone(), answered, verdict });
                    }
                }
                Action::Extend { keys } => {
                    let handles = self.handles(&keys);
                    self.task(move |w| async move { Event::Lost(w.extend(handles).await) });
                }
                Action::Release { keys } => {
                    // At once, unless it has come and gone very often: a function whose line is closed
                    // gives back each minute what it was handed.
                    let held = keys.iter().filter_map(|key| Some(&self.messages.get(key)?.held));
                    let back: Vec<_> = held.map(|h| (h.handle.clone(), patience(h.receive_count))).collect();
                    keys.iter().for_each(|key| self.forget(*key));
                    self.task(move |w| async move {
                        w.inner.queue.change_visibility(&back, w.now()).await;
                        Event::Nothing
                    });
                }
                Action::Alarm(why) => {
                    let code = self.worker.line().fault.as_ref().map(|fault| fault.code.clone());
                    Line::new("line closed")
                        .with("why", format!("{why:?}"))
                        .with("code", code)
                        .warning()
                        .write();
                }
            }
        }
        if !settle.is_empty() {
            self.task(move |w| async move { Event::Settled(w.settle(settle).await) });
        }
    }

    /// Tells what waits, from time to time.
    fn gauge(&mut self) {
        let now = self.worker.now();
        if now < self.gauge_at {
            return;
        }
        self.gauge_at = now.plus(GAUGE);
        let oldest = self.messages.values().map(|message| message.held.sent_at).min();
        let (age, held) = (oldest.map_or(Duration::ZERO, |at| now.since(at)), self.brain.held());
        self.task(move |w| async move {
            let mut line =
                Line::new("line").with("held", held).count(Metric::OldestAgeSeconds, age.as_secs_f64());
            if let Ok(depth) = w.inner.queue.depth(now).await {
                #[expect(clippy::cast_precision_loss, reason = "a metric")]
                let waiting = (depth.visible + depth.in_flight) as f64;
                line = line.count(Metric::QueueDepth, waiting);
            }
            line.write();
            Event::Gauged
        });
        self.open -= 1;
    }

    fn task<F>(&mut self, begin: impl FnOnce(Worker) -> F)
    where
        F: Future<Output = Event> + Send + 'static,
    {
        self.open += 1;
        self.tasks.push(Box::pin(begin(self.worker.clone())));
    }

    fn handles(&self, keys: &[Key]) -> Vec<(Key, Handle)> {
        keys.iter().filter_map(|key| Some((*key, self.messages.get(key)?.held.handle.clone()))).collect()
    }

    fn forget(&mut self, key: Key) {
        if let Some(message) = self.messages.remove(&key) {
            self.keys.remove(&identity(&message.held.envelope));
        }
    }

    fn happened(&mut self, event: Event) {
        let now = self.worker.now();
        if !matches!(event, Event::Leased(_) | Event::Gauged) {
            self.open -= 1;
        }
        match event {
            Event::Nothing | Event::Gauged => {}
            Event::Allowed(calls, until) => {
                self.brain.set_rate(self.worker.note_usage(None));
                self.brain.on_allowance(calls, until);
            }
            Event::Leased(opened) => self.leased(opened),
            Event::Sent(number, sent) => {
                for (key, answered) in sent.answered {
                    if let Some(message) = self.messages.get_mut(&key) {
                        message.answered = Some(answered);
                    }
                }
                self.brain.set_rate(self.worker.note_usage(sent.usage));
                self.brain.on_replies(number, sent.report, sent.replies, now);
                self.sweep();
            }
            Event::Settled(settled) => {
                for (key, how) in settled {
                    self.brain.on_settled(key, how, now);
                }
                self.sweep();
            }
            Event::Lost(keys) => {
                keys.into_iter().for_each(|key| self.brain.on_lost(key));
                self.sweep();
            }
        }
    }

    /// Forgets the messages of writes that the brain no longer holds; those that it still has to
    /// give back are forgotten then.
    fn sweep(&mut self) {
        let gone: Vec<Key> = self
            .messages
            .keys()
            .filter(|key| !self.brain.holds(**key) && !self.brain.gives_back(**key))
            .copied()
            .collect();
        gone.into_iter().for_each(|key| self.forget(key));
    }

    fn leased(&mut self, opened: Vec<Opened>) {
        let now = self.worker.now();
        let mut jobs = Vec::with_capacity(opened.len());
        for Opened { envelope, handle, receive_count, sent_at } in opened {
            let identity = identity(&envelope);
            if let Some(message) = self.keys.get(&identity).and_then(|key| self.messages.get_mut(key)) {
                // Delivered again while it is held: from now on the new handle counts.
                message.held.handle = handle;
                continue;
            }
            self.last_key += 1;
            let key = self.last_key;
            let settings = &self.worker.inner.settings;
            let effect = self.worker.modes().of(&envelope.write);
            jobs.push(Job::of(key, &envelope, sent_at, effect, settings.comments_as_records));
            self.keys.insert(identity, key);
            let held = Held { key, envelope, handle, receive_count, sent_at };
            self.messages.insert(key, Kept { held, answered: None });
        }
        self.brain.on_leased(jobs, now);
    }
}

fn identity(envelope: &Envelope) -> (WriteId, u32) {
    (envelope.id, envelope.generation)
}

impl Worker {
    /// Holds messages for longer; gives those that are no longer ours.
    async fn extend(&self, handles: Vec<(Key, Handle)>) -> Vec<Key> {
        let entries: Vec<_> = handles.iter().map(|(_, handle)| (handle.clone(), VISIBILITY)).collect();
        let results = self.inner.queue.change_visibility(&entries, self.now()).await;
        let lost = handles.iter().zip(results).filter(|(_, r)| *r == Err(StoreError::HandleExpired));
        let lost: Vec<Key> = lost.map(|((key, _), _)| *key).collect();
        lost
    }
}

/// A queue whose messages were handed over: nothing is received, and what is deleted is only noted,
/// because Lambda deletes what is not reported as failed.
#[derive(Debug)]
struct Handed {
    queue: Arc<dyn Queue>,
    deleted: std::sync::Mutex<Vec<Handle>>,
}

#[async_trait]
impl Queue for Handed {
    async fn send(&self, messages: &[Message], now: Timestamp) -> Vec<Result<(), StoreError>> {
        self.queue.send(messages, now).await
    }

    async fn receive(
        &self,
        _: usize,
        _: Duration,
        _: Duration,
        _: Timestamp,
    ) -> Result<Vec<Leased>, StoreError> {
        Ok(Vec::new())
    }

    async fn delete(&self, handles: &[Handle], _: Timestamp) -> Vec<Result<(), StoreError>> {
        let mut deleted = self.deleted.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        deleted.extend(handles.iter().cloned());
        vec![Ok(()); handles.len()]
    }

    async fn change_visibility(
        &self,
        entries: &[(Handle, Duration)],
        now: Timestamp,
    ) -> Vec<Result<(), StoreError>> {
        self.queue.change_visibility(entries, now).await
    }

    async fn depth(&self, now: Timestamp) -> Result<Depth, StoreError> {
        self.queue.depth(now).await
    }
}
