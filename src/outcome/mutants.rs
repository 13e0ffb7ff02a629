//! The laws broken one at a time, in builds with debug assertions only: each must be caught.

/// A law that is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named after the laws in the room's doc")]
pub enum Mutant {
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    R8,
    R9,
    Settle,
    DuplicateRule,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::R1,
        Self::R2,
        Self::R3,
        Self::R4,
        Self::R5,
        Self::R6,
        Self::R7,
        Self::R8,
        Self::R9,
        Self::Settle,
        Self::DuplicateRule,
    ];
}

#[cfg(debug_assertions)]
std::thread_local! {
    static BROKEN: std::cell::Cell<Option<Mutant>> = const { std::cell::Cell::new(None) };
}

/// Breaks a law on this thread (`None`: keeps them all again).
#[cfg(debug_assertions)]
pub fn break_law(mutant: Option<Mutant>) {
    BROKEN.set(mutant);
}

/// Whether this law is broken. Always false in a release build.
#[must_use]
pub fn is(mutant: Mutant) -> bool {
    #[cfg(debug_assertions)]
    return BROKEN.get() == Some(mutant);
    #[cfg(not(debug_assertions))]
    {
        let _ = mutant;
        false
    }
}
