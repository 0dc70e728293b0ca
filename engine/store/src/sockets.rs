//! Options of connections to MySQL. TCP_NODELAY, which sqlx 0.9.0 doesn't set (sqlx issue 4335). With Nagle's
//! algorithm the end of whatever doesn't go out in one write, such as a statement of several rows over
//! TLS, waits for an acknowledgement that the server delays by some 40 ms.
//!
//! And keepalive, so that a server that has gone is noticed.
//!
//! sqlx doesn't hand out its sockets, so the process looks for them among its own.

/// Sets the options on all sockets of this process whose other end has a port. It is set for good, and
/// setting it twice changes nothing.
#[cfg(target_os = "linux")]
pub(crate) fn set_on_connections_to(port: u16) -> std::io::Result<usize> {
    use std::os::fd::{BorrowedFd, RawFd};

    use rustix::net::{
        getpeername,
        sockopt::{set_socket_keepalive, set_tcp_keepidle, set_tcp_nodelay, set_tcp_user_timeout},
    };

    /// After how long without a word the other side is asked whether it is there.
    const IDLE: std::time::Duration = std::time::Duration::from_secs(30);
    /// After how long a connection is given up on which nothing arrives any more.
    const UNACKNOWLEDGED_MS: u32 = 10_000;

    let mut set = 0;
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let Some(number) = entry?.file_name().to_str().and_then(|name| name.parse::<RawFd>().ok()) else {
            continue;
        };
        #[expect(
            unsafe_code,
            reason = "nothing else borrows a descriptor by its number. If it is closed meanwhile the calls \
                      fail; if another socket gets the number, an option is set that does it no harm"
        )]
        // SAFETY: the number was open a moment ago and isn't -1; the descriptor is neither kept nor closed.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        let peer =
            getpeername(descriptor).ok().flatten().and_then(|peer| std::net::SocketAddr::try_from(peer).ok());
        if peer.is_some_and(|peer| peer.port() == port) && set_tcp_nodelay(descriptor, true).is_ok() {
            // A server that has gone without a word is noticed, rather than waited for.
            set_socket_keepalive(descriptor, true)?;
            set_tcp_keepidle(descriptor, IDLE)?;
            set_tcp_user_timeout(descriptor, UNACKNOWLEDGED_MS)?;
            set += 1;
        }
    }
    Ok(set)
}

/// Elsewhere statements wait.
#[cfg(not(target_os = "linux"))]
pub(crate) fn set_on_connections_to(_: u16) -> std::io::Result<usize> {
    Ok(0)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::set_on_connections_to;

    #[test]
    fn connections_to_a_port_have_the_option_and_others_are_left_alone() {
        let (wanted, other) =
            (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("[::1]:0").unwrap());
        let connect = |listener: &TcpListener| TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (one, two, elsewhere) = (connect(&wanted), connect(&wanted), connect(&other));
        assert_eq!(set_on_connections_to(wanted.local_addr().unwrap().port()).unwrap(), 2);
        assert!(one.nodelay().unwrap() && two.nodelay().unwrap());
        assert!(!elsewhere.nodelay().unwrap());
        assert_eq!(set_on_connections_to(other.local_addr().unwrap().port()).unwrap(), 1);
        assert!(elsewhere.nodelay().unwrap());
    }
}
