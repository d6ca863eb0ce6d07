// Package netfault makes two hosts and a bad network between them, for tests
// of real programs over the kernel's own TCP: delay, jitter that reorders,
// loss, duplicates, directions that go silent, connections that are reset or
// swallowed in the middle.
//
// [New] makes a [Net]. Its hosts are network namespaces without a name; each
// has a loopback of its own and one interface, a TUN, and between the two TUNs
// a goroutine for each direction passes packets on, or does not. What a [Host]
// runs is put there by a thread: [Host.Do] for a dial or a listen, whose
// sockets stay there whoever uses them, and [Host.Enter] for the thread that
// starts a process.
//
// Nothing can leave the machine: neither namespace has another interface or a
// default route. Nothing is left behind either, not even by a process that is
// killed: the kernel removes namespaces and TUNs with the last descriptor, and
// with the last process inside.
//
// It works on Linux alone, with /dev/net/tun and the capabilities CAP_SYS_ADMIN
// and CAP_NET_ADMIN; New's error says what is missing. It knows IPv4 and TCP,
// and nothing of Bayeux. Only tests may use it.
package netfault
