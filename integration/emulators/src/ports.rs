//! A port for a program that is about to be started, and whether a port is taken, as the kernel tells it. It is asked
//! about sockets that listen, by `sock_diag(7)`: the file `/proc/net/tcp` goes through every connection of the machine,
//! the thousands that have just ended among them, and each process that a test starts needs a port.

use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, netlink, recv, send, socket};
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{fs, io};

/// `SOCK_DIAG_BY_FAMILY` of linux/sock_diag.h, the type of the request and of each socket in the answer.
const BY_FAMILY: u16 = 20;
/// `NLMSG_ERROR` of linux/netlink.h: the kernel refuses.
const ERROR: u16 = 2;
/// `NLM_F_REQUEST | NLM_F_DUMP` of linux/netlink.h.
const REQUEST_ALL: u16 = 0x301;
/// `IPPROTO_TCP`.
const TCP: u8 = 6;
/// `TCP_LISTEN` as a set of states.
const LISTENING: u32 = 1 << 10;

/// Returns a port that nobody listens on. It lies below those that the kernel gives to outgoing connections, one of
/// which would sooner or later take it between here and the program's own bind.
///
/// # Panics
/// It panics where [`find_free_port`] fails.
pub fn free_port() -> u16 {
    find_free_port().unwrap_or_else(|error| panic!("{error}"))
}

/// Returns a port as [`free_port`] does.
///
/// # Errors
/// No port is free, or the kernel does not tell.
pub fn find_free_port() -> io::Result<u16> {
    const FIRST: u32 = 10_000;
    static LAST: AtomicU32 = AtomicU32::new(0);
    // Processes that ask at the same time begin in different places. By their numbers alone some would begin close to
    // each other, and two that ask in one moment take the same port.
    static START: LazyLock<u32> = LazyLock::new(|| RandomState::new().hash_one(std::process::id()) as u32);
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let ephemeral = range.split_whitespace().next().and_then(|low| low.parse().ok()).unwrap_or(32_768);
    let count = u32::max(ephemeral, FIRST + 1000) - FIRST;
    let next = || LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(*START) % count + FIRST;
    for port in (0..count).filter_map(|_| u16::try_from(next()).ok()) {
        if !is_listened_on(port)? {
            return Ok(port);
        }
    }
    Err(io::Error::other(format!("no port from {FIRST} to {} is free", FIRST + count - 1)))
}

/// Returns `true` if anybody listens on that port, at any address. No socket is bound to find out: a socket of this
/// process, even one that is closed at once, lives on in a child that another thread starts at that moment. Until the
/// child's own program begins, connections to it are made and then reset.
///
/// # Errors
/// The kernel does not tell.
fn is_listened_on(port: u16) -> io::Result<bool> {
    match asked(AddressFamily::INET, port) {
        // Without IPv6 nobody listens there.
        Ok(found) => Ok(found || asked(AddressFamily::INET6, port).unwrap_or(false)),
        // Not every kernel has it.
        Err(_) => is_in_table(port),
    }
}

/// Asks for the sockets of a family that listen on a port.
fn asked(family: AddressFamily, port: u16) -> Result<bool, Errno> {
    let kernel = socket(AddressFamily::NETLINK, SocketType::DGRAM, Some(netlink::SOCK_DIAG))?;
    send(&kernel, &request(family, port), SendFlags::empty())?;
    let mut answer = [0; 4096];
    let (_, length) = recv(&kernel, &mut answer, RecvFlags::empty())?;
    // The first message is a socket, an error, or the end.
    match answer[..length].get(4..6).map(|kind| u16::from_ne_bytes([kind[0], kind[1]])) {
        Some(BY_FAMILY) => Ok(true),
        Some(ERROR) | None => Err(Errno::NOTSUP),
        Some(_) => Ok(false),
    }
}

/// Writes `struct nlmsghdr` and `struct inet_diag_req_v2`, in this machine's order of bytes but for the port.
fn request(family: AddressFamily, port: u16) -> [u8; 72] {
    let mut request = [0; 72];
    request[0..4].copy_from_slice(&72_u32.to_ne_bytes());
    request[4..6].copy_from_slice(&BY_FAMILY.to_ne_bytes());
    request[6..8].copy_from_slice(&REQUEST_ALL.to_ne_bytes());
    request[16] = family.as_raw() as u8;
    request[17] = TCP;
    request[20..24].copy_from_slice(&LISTENING.to_ne_bytes());
    request[24..26].copy_from_slice(&port.to_be_bytes());
    request
}

fn is_in_table(port: u16) -> io::Result<bool> {
    const LISTENING: &str = "0A";
    let port = format!(":{port:04X}");
    let has_it = |table: &str| {
        table.lines().any(|line| {
            let mut fields = line.split_whitespace().skip(1);
            fields.next().is_some_and(|local| local.ends_with(&port)) && fields.nth(1) == Some(LISTENING)
        })
    };
    const TABLE: &str = "/proc/net/tcp";
    let table = fs::read_to_string(TABLE).map_err(|error| io::Error::other(format!("{TABLE}: {error}")))?;
    // Without IPv6 there is no table of it.
    Ok(has_it(&table) || has_it(&fs::read_to_string("/proc/net/tcp6").unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::is_in_table;
    use std::net::TcpListener;

    fn is_listened_on(port: u16) -> bool {
        let found = super::is_listened_on(port).expect("the kernel tells");
        assert_eq!(found, is_in_table(port).expect("the kernel tells"), "both accounts are of one kernel");
        found
    }

    #[test]
    fn a_port_is_listened_on_at_whatever_address() {
        for address in ["127.0.0.1:0", "0.0.0.0:0", "[::]:0"] {
            // Not every machine has IPv6.
            let Ok(listener) = TcpListener::bind(address) else { continue };
            assert!(is_listened_on(listener.local_addr().expect("its address").port()), "{address}");
        }
        // A connection from a port does not listen there.
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let client = std::net::TcpStream::connect(listener.local_addr().expect("its address")).expect("it accepts");
        assert!(!is_listened_on(client.local_addr().expect("its address").port()));
    }
}
