//! The only thing a component may call.

pub use martlet_domain::plugin::LogLevel;
use wasmtime::{
    StoreContextMut, Trap,
    component::{Linker, WasmStr},
};

use super::State;
use crate::{
    HostConfig,
    bindings::{v0_1_0, v1_0_0},
};

/// Fuel of a line of log, beside one for each byte: what it costs the host.
const FUEL_PER_LINE: u64 = 1_000;

/// A line that a component logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// How much it matters.
    pub level: LogLevel,
    /// What it says. Control characters and those that turn the direction of text are escaped.
    pub message: String,
}

/// The log of a call.
pub(crate) struct Logs {
    lines: Vec<LogLine>,
    most_lines: usize,
    most_bytes: usize,
    left: usize,
    per_line: usize,
    cut: bool,
}

impl Logs {
    pub(super) const fn new(config: &HostConfig) -> Self {
        Self {
            lines: Vec::new(),
            most_lines: config.log_lines,
            most_bytes: config.log_bytes,
            left: config.log_bytes,
            per_line: config.message_bytes,
            cut: false,
        }
    }

    /// The lines, and a last one where something was cut.
    pub(crate) fn into_lines(mut self) -> Vec<LogLine> {
        if self.cut {
            let message = format!(
                "the log was cut: a call may log {} bytes in {} lines of {}",
                self.most_bytes, self.most_lines, self.per_line
            );
            self.lines.push(LogLine { level: LogLevel::Warn, message });
        }
        self.lines
    }

    /// What is kept of a message, and whether that is less than all of it. Nothing is kept once
    /// the room is used up.
    fn keep(&self, message: &str) -> (Option<String>, bool) {
        if self.left == 0 || self.lines.len() == self.most_lines {
            return (None, true);
        }
        let room = self.per_line.min(self.left);
        let clipped = clip(message, room);
        let mut kept = printable(clipped);
        // Escapes are longer than what they stand for.
        let fits = clip(&kept, room).len();
        if fits == 0 && !message.is_empty() {
            return (None, true);
        }
        let cut = clipped.len() < message.len() || fits < kept.len();
        kept.truncate(fits);
        (Some(kept), cut)
    }

    fn push(&mut self, level: LogLevel, (kept, cut): (Option<String>, bool)) {
        self.cut |= cut;
        if let Some(message) = kept {
            self.left = self.left.saturating_sub(message.len());
            self.lines.push(LogLine { level, message });
        }
    }
}

/// Lets components log.
pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.instance(v0_1_0::LOGGING)?.func_wrap("log", log::<v0_1_0::Level>)?;
    linker.instance(v1_0_0::LOGGING)?.func_wrap("log", log::<v1_0_0::Level>)
}

/// Escapes control characters and those that turn the direction of text, so that a component can't
/// forge lines of a log or disguise what it says.
pub(crate) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' => {
                printable.extend(character.escape_unicode());
            }
            character if character.is_control() => printable.extend(character.escape_default()),
            character => printable.push(character),
        }
    }
    printable
}

/// The longest start of a text that has at most so many bytes.
pub(crate) fn clip(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

fn log<L: Into<LogLevel>>(
    mut store: StoreContextMut<'_, State>,
    (level, message): (L, WasmStr),
) -> wasmtime::Result<()> {
    let (kept, length) = {
        let message = message.to_str(&store)?;
        (store.data().logs.keep(&message), message.len())
    };
    store.data_mut().logs.push(level.into(), kept);
    charge(&mut store, FUEL_PER_LINE.saturating_add(length as u64))
}

/// Without this a component could keep the host busy for minutes on little fuel of its own.
fn charge(store: &mut StoreContextMut<'_, State>, fuel: u64) -> wasmtime::Result<()> {
    let left = store.get_fuel()?;
    store.set_fuel(left.saturating_sub(fuel))?;
    if left < fuel { Err(Trap::OutOfFuel.into()) } else { Ok(()) }
}

macro_rules! levels_of {
    ($version:ident) => {
        impl From<$version::Level> for LogLevel {
            fn from(level: $version::Level) -> Self {
                match level {
                    $version::Level::Debug => Self::Debug,
                    $version::Level::Info => Self::Info,
                    $version::Level::Warn => Self::Warn,
                    $version::Level::Error => Self::Error,
                }
            }
        }
    };
}
levels_of!(v0_1_0);
levels_of!(v1_0_0);
