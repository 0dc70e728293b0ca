//! The sandbox from outside: what is refused, what each limit does, what comes back.

mod answers;
mod cache;
mod gate;
mod golden;
mod hostile;
mod limits;
mod loading;
mod mutated;
mod plugins;
mod retention;
mod seeds;
mod support;
