//! A query as it was written, before anybody asked whether its names exist.

/// A whole query, or one in parentheses.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Query {
    pub(crate) select: Vec<Item>,
    /// `Account`, or in a child query `Contacts` or `Account.Contacts`.
    pub(crate) from: Path,
    /// The name of the first of FROM, and further `c.Account a`.
    pub(crate) aliases: Vec<(String, Path)>,
    pub(crate) scope: Option<String>,
    pub(crate) filter: Option<Condition>,
    pub(crate) group: Vec<Expr>,
    pub(crate) having: Option<Condition>,
    pub(crate) order: Vec<Order>,
    /// Where it narrows by data category or by user, which no object of this org knows.
    pub(crate) narrowed: Option<usize>,
    pub(crate) limit: Option<u64>,
    pub(crate) offset: Option<u64>,
    /// FOR VIEW or FOR REFERENCE: its records count as looked at.
    pub(crate) viewed: bool,
    /// Where it begins in the text.
    pub(crate) at: usize,
}

/// One entry of SELECT.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item {
    /// `COUNT()`.
    Count,
    Value(Expr, Option<String>),
    TypeOf(TypeOf),
    Fields(FieldSet),
    Child(Box<Query>),
}

/// `TYPEOF What WHEN Account THEN Phone ELSE Name END`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TypeOf {
    pub(crate) path: Path,
    pub(crate) when: Vec<(Path, Vec<Path>)>,
    pub(crate) otherwise: Vec<Path>,
}

/// `FIELDS(…)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum FieldSet {
    All,
    Standard,
    Custom,
}

/// Dotted names, and where they stand in the text.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Path {
    pub(crate) parts: Vec<String>,
    pub(crate) at: usize,
}

impl Path {
    pub(crate) fn text(&self) -> String {
        self.parts.join(".")
    }
}

/// What may be selected, compared and sorted by.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    Path(Path),
    Call { name: String, args: Vec<Self>, at: usize },
}

impl Expr {
    /// The function's name in capitals; empty for a path.
    pub(crate) fn function(&self) -> String {
        match self {
            Self::Path(_) => String::new(),
            Self::Call { name, .. } => name.to_ascii_uppercase(),
        }
    }

    pub(crate) fn at(&self) -> usize {
        match self {
            Self::Path(path) => path.at,
            Self::Call { at, .. } => *at,
        }
    }

    /// The path that it is, or of which its functions are.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Call { args, .. } => args.first().and_then(Self::path),
        }
    }
}

/// WHERE and HAVING.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Compare(Expr, Operator, Literal),
    In {
        left: Expr,
        not: bool,
        values: Vec<Literal>,
    },
    InQuery {
        left: Expr,
        not: bool,
        query: Box<Query>,
    },
    /// INCLUDES and, with `not`, EXCLUDES.
    Includes {
        left: Expr,
        not: bool,
        values: Vec<Literal>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
}

/// A value as written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    /// Between its quotes, escapes as they were typed.
    Text(String),
    Number(f64),
    /// `USD500`.
    Money(f64),
    Date(String),
    DateTime(String),
    Bool(bool),
    /// `TODAY`, `LAST_N_DAYS:7`: capitals.
    Range(String, Option<u32>),
    Null,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Order {
    pub(crate) by: Expr,
    pub(crate) descending: bool,
    /// `None` where the query does not say: nulls come first.
    pub(crate) nulls_last: Option<bool>,
}
