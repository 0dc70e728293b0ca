//! The sandbox from outside: what is refused, what each limit does, what comes back.

mod answers;
mod gate;
mod hostile;
mod limits;
mod loading;
mod mutated;
mod plugins;
mod support;
