//! One seed: a workload, a time of trouble, a time of calm, and what must be true then.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tieline::clock::Deadline;
use tieline::dispatch::{self, Chance};
use tieline::envelope::WriteId;
use tieline::event::{Contact, Control, Mode, Write, Written};
use tieline::write::{Asked, Progress, Writes};
use tokio::task::JoinHandle;

use super::check::check;
use super::ledger::same;
use super::story::told;
use super::wires::Wires;
use super::world::World;

/// What a seed stands for. A seed that fails is made smaller by leaving parts out.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) seed: u64,
    contacts: usize,
    steps: usize,
    wires: Wires,
    rules: Vec<&'static str>,
    /// Workers and invocations end without a word.
    crashes: bool,
    /// Clocks of workers differ by up to four seconds each way.
    skew: bool,
}

const RULES: [&str; 9] = [
    "cut=after,method=POST,share=0.15",
    "cut=before,method=POST,share=0.1",
    "late=400s,method=PATCH,share=0.1",
    "late=500s,method=POST,share=0.1",
    "status=503,share=0.1",
    "lock,share=0.15",
    "record=FIELD_CUSTOM_VALIDATION_EXCEPTION,object=Task,share=0.1",
    "record=REQUIRED_FIELD_MISSING,object=Case,share=0.03",
    "session,share=0.05",
];

impl Plan {
    pub(super) fn of(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let wires = Wires {
            before: chance.below(30),
            after: chance.below(30),
            slow: chance.below(200),
            frozen: chance.below(4),
            twice: chance.below(60),
        };
        let rules = RULES.into_iter().filter(|_| chance.below(3) == 0).collect();
        let contacts = 2 + usize::try_from(chance.below(4)).unwrap();
        Self { seed, contacts, steps: contacts * 7, wires, rules, crashes: true, skew: true }
    }

    /// The same with something left out: the most first.
    fn smaller(&self) -> Vec<Self> {
        let mut plans = Vec::new();
        for steps in [self.steps / 2, self.steps * 3 / 4, self.steps.saturating_sub(1)] {
            plans.push(Self { steps, ..self.clone() });
        }
        plans.push(Self { contacts: self.contacts.saturating_sub(1).max(1), ..self.clone() });
        for n in 0..self.rules.len() {
            let mut plan = self.clone();
            plan.rules.remove(n);
            plans.push(plan);
        }
        for wires in [
            Wires::default(),
            Wires { before: 0, ..self.wires },
            Wires { after: 0, ..self.wires },
            Wires { slow: 0, ..self.wires },
            Wires { frozen: 0, ..self.wires },
            Wires { twice: 0, ..self.wires },
        ] {
            if wires != self.wires {
                plans.push(Self { wires, ..self.clone() });
            }
        }
        if self.crashes {
            plans.push(Self { crashes: false, ..self.clone() });
        }
        if self.skew {
            plans.push(Self { skew: false, ..self.clone() });
        }
        plans.retain(|plan| plan.steps > 0);
        plans
    }
}

/// A write that the invoke side said it had accepted.
#[derive(Clone, Debug)]
pub(super) struct Accepted {
    pub(super) id: WriteId,
    pub(super) group: String,
    pub(super) kind: Kind,
    /// What its effect is recognised by: a Subject, a text, or the Subject of the task that goes.
    pub(super) text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Case,
    Update,
    Task,
    Post,
    Delete,
}

/// What a run counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Figures {
    pub(super) accepted: usize,
    pub(super) succeeded: usize,
    pub(super) dead: usize,
    pub(super) calls: usize,
    pub(super) crashes: usize,
}

impl Figures {
    pub(super) fn add(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.succeeded += other.succeeded;
        self.dead += other.dead;
        self.calls += other.calls;
        self.crashes += other.crashes;
    }
}

/// Runs one plan in virtual time. `Err` tells what was untrue, and the story of that contact.
pub(super) fn run(plan: &Plan) -> Result<Figures, String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(simulate(plan))
}

/// Leaves out of a failing plan whatever it fails without; gives the story of what is left.
pub(super) fn shrink(plan: &Plan, story: String) -> String {
    let (mut plan, mut story, mut runs) = (plan.clone(), story, 0);
    'smaller: while runs < 200 {
        for candidate in plan.smaller() {
            runs += 1;
            if let Err(told) = run(&candidate) {
                (plan, story) = (candidate, told);
                continue 'smaller;
            }
        }
        break;
    }
    format!("{story}shrunk in {runs} runs to {plan:?}\n")
}

async fn simulate(plan: &Plan) -> Result<Figures, String> {
    let world = World::new(plan.seed, Duration::from_millis(300));
    *world.trouble.wires.lock().unwrap() = plan.wires;
    plan.rules.iter().for_each(|rule| world.faults(rule));
    let mut chance = Chance::new(plan.seed ^ 0x0f10);
    let mut fate = Chance::new(plan.seed ^ 0xdead);
    let mut figures = Figures::default();
    let mut accepted = Vec::new();
    let mut workers: Vec<JoinHandle<()>> = Vec::new();
    let mut flows: Vec<Flow> = (0..plan.contacts).map(Flow::new).collect();
    let writes = world.writes();
    for step in 0..plan.steps {
        // Workers come, and go without a word.
        while workers.len() < 2 {
            figures.crashes += 1;
            let skew = i64::try_from(fate.below(8000)).unwrap() - 4000;
            let skew = if plan.skew { skew } else { 0 };
            let name = format!("w{}", figures.crashes);
            let worker = world.worker(&name, skew, fate.next(), dispatch::Settings::default());
            workers.push(if fate.below(3) == 0 {
                tokio::spawn(world.event_source(worker))
            } else {
                tokio::spawn(async move { worker.run(std::future::pending()).await })
            });
        }
        if fate.below(4) == 0 && plan.crashes {
            workers.remove(usize::try_from(fate.below(2)).unwrap()).abort();
        }
        let which = usize::try_from(chance.below(plan.contacts as u64)).unwrap();
        let asked = flows[which].next(step, &mut chance);
        match asked.accept(&world, &writes, plan, &mut fate).await {
            Ok(Some(one)) => accepted.push(one),
            Ok(None) => {}
            Err(untrue) => return Err(told(plan.seed, &untrue, &world, &accepted)),
        }
        tokio::time::sleep(Duration::from_millis(chance.below(40_000))).await;
        if let Some(breach) = world.ledger.breach() {
            return Err(told(plan.seed, &breach, &world, &accepted));
        }
    }
    world.no_faults();
    workers.into_iter().for_each(|w| w.abort());
    let last = world.worker("last", 0, plan.seed, dispatch::Settings::default());
    let drain = tokio::spawn(async move { last.run(std::future::pending()).await });
    // I8: what stands in a line of its contact waits for its own doubts and those before it.
    let mut calm = 0;
    while !settled(&world, &accepted).await {
        calm += 1;
        if calm > 960 {
            return Err(told(plan.seed, "I8: not drained after four hours of calm", &world, &accepted));
        }
        tokio::time::sleep(Duration::from_secs(15)).await;
    }
    // Whatever the org still has in hand takes effect, and late messages find their outcomes.
    tokio::time::sleep(Duration::from_secs(1200)).await;
    drain.abort();
    figures.calls = world.exchange.calls.lock().unwrap().len();
    match world.ledger.breach().map_or_else(|| check(&world, &accepted, &mut figures), Err) {
        Ok(()) => Ok(figures),
        Err(untrue) => Err(told(plan.seed, &untrue, &world, &accepted)),
    }
}

async fn settled(world: &World, accepted: &[Accepted]) -> bool {
    let depth = world.queue.depth(world.now.now()).await.unwrap();
    depth.visible + depth.in_flight == 0 && accepted.iter().all(|one| world.ledger.is_settled(one.id))
}

/// What a flow does for its contact: a case, changes of it, comments and tasks to it, and tasks that
/// go again.
struct Flow {
    which: usize,
    number: usize,
    tasks: Vec<String>,
}

/// One call of a flow.
struct Call {
    group: String,
    kind: Kind,
    text: String,
    write: Write,
    control: Control,
    parameters: Map<String, Value>,
}

impl Flow {
    fn new(which: usize) -> Self {
        Self { which, number: 0, tasks: Vec::new() }
    }

    fn next(&mut self, step: usize, chance: &mut Chance) -> Call {
        self.number += 1;
        let (which, number) = (self.which, self.number);
        let mut name = None;
        let (kind, text, write) = match (number, chance.below(5)) {
            (1, _) => {
                name = Some("case".to_owned());
                let text = format!("case {which}");
                let fields = object(json!({"Subject": text, "Origin": "Phone"}));
                (Kind::Case, text, Write::Create { object: "Case".to_owned(), fields })
            }
            (_, 0) => {
                let text = format!("task {which}-{number}");
                self.tasks.push(text.clone());
                name = Some(format!("task{number}"));
                let fields = object(json!({"Subject": text, "WhatId": "@{case.Id}"}));
                (Kind::Task, text, Write::Create { object: "Task".to_owned(), fields })
            }
            (_, 1) => {
                let text = format!("post {which}-{number}");
                let write = Write::Post {
                    element_type: "FeedItem".to_owned(),
                    subject_id: "@{case.Id}".to_owned(),
                    message_type: "Text".to_owned(),
                    text: text.clone(),
                    mention: None,
                };
                (Kind::Post, text, write)
            }
            (_, 2) if !self.tasks.is_empty() => {
                let text = self.tasks.remove(0);
                let of = text.rsplit('-').next().unwrap_or_default();
                let id = format!("@{{task{of}.Id}}");
                (Kind::Delete, text, Write::Delete { object: "Task".to_owned(), id })
            }
            _ => {
                let text = format!("v{number:03}");
                let fields = object(json!({ "Subject": text }));
                (
                    Kind::Update,
                    text,
                    Write::Update { object: "Case".to_owned(), id: "@{case.Id}".to_owned(), fields },
                )
            }
        };
        let mode = match chance.below(5) {
            0 => Mode::Sync,
            1 => Mode::Wait,
            _ => Mode::Queue,
        };
        let control = Control {
            given: true,
            mode: Some(mode),
            key: Some(format!("step {step}")),
            name,
            ..Control::default()
        };
        let parameters = object(json!({ "step": step }));
        Call { group: format!("contact-{which}"), kind, text, write, control, parameters }
    }
}

impl Call {
    /// Calls as Amazon Connect does: again where the call failed, also where its function died.
    /// `Err` where the reply was untrue.
    async fn accept(
        self,
        world: &World,
        writes: &Writes,
        plan: &Plan,
        fate: &mut Chance,
    ) -> Result<Option<Accepted>, String> {
        let contact =
            Contact { contact_id: self.group.clone(), initial_contact_id: None, instance_arn: None };
        for n in 0..3 {
            let unique = format!("{} {n}", self.text);
            let asked = Asked {
                write: &self.write,
                contact: Some(&contact),
                parameters: &self.parameters,
                control: &self.control,
                unique: &unique,
                traceparent: None,
            };
            let (soft, hard) =
                (Deadline::after(Duration::from_secs(2)), Deadline::after(Duration::from_secs(6)));
            let died = plan.crashes && fate.below(6) == 0;
            let life = Duration::from_millis(if died { fate.below(700) } else { 60_000 });
            let call = writes.carry(&asked, soft, hard, world.now.now());
            match tokio::time::timeout(life, call).await {
                Ok(Ok(taken)) => {
                    if let Progress::Done(Written::Created { id }) = &taken.progress
                        && !world
                            .ledger
                            .effects()
                            .iter()
                            .any(|effect| same(effect["id"].as_str().unwrap_or_default(), id))
                    {
                        return Err(format!("I3: the flow was told {id}, which is not there"));
                    }
                    let Self { group, kind, text, .. } = self;
                    return Ok(taken.id.map(|id| Accepted { id, group, kind, text }));
                }
                Ok(Err(_)) | Err(_) => tokio::time::sleep(Duration::from_millis(500)).await,
            }
        }
        Ok(None)
    }
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}
