package netfault

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// A Host is one end of a Net: a network namespace. Its methods are safe for
// concurrent use, until the Net is closed.
type Host struct {
	ip    string
	space *os.File
	tun   *os.File
}

// newHost makes a namespace with a loopback, and a TUN that has the address.
func newHost(ip string) (h *Host, err error) {
	err = onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("netfault: no network namespace (root, or a container with CAP_SYS_ADMIN, may make one): %w", err)
		}
		space, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			return err
		}
		tun, err := wire(ip)
		if err != nil {
			space.Close()
			return err
		}
		h = &Host{ip: ip, space: space, tun: tun}
		return nil
	})
	return h, err
}

// wire brings up the interfaces of the thread's namespace.
func wire(ip string) (*os.File, error) {
	tun, err := openTUN("t0")
	if err != nil {
		return nil, err
	}
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		defer unix.Close(s)
		err = errors.Join(up(s, "lo"), address(s, "t0", unix.SIOCSIFADDR, ip), address(s, "t0", unix.SIOCSIFNETMASK, mask), up(s, "t0"))
	}
	if err != nil {
		tun.Close()
		return nil, fmt.Errorf("netfault: the interfaces (they take CAP_NET_ADMIN): %w", err)
	}
	return tun, nil
}

func openTUN(name string) (*os.File, error) {
	const device = "/dev/net/tun"
	fd, err := unix.Open(device, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("netfault: %s is missing (a container gets it by --device %s): %w", device, device, err)
	}
	r, err := unix.NewIfreq(name)
	if err == nil {
		r.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, r)
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("netfault: no TUN interface (it takes CAP_NET_ADMIN): %w", err)
	}
	return os.NewFile(uintptr(fd), device), nil // a descriptor that does not block is polled
}

func up(socket int, name string) error {
	r, err := unix.NewIfreq(name)
	if err == nil {
		r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
		err = unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, r)
	}
	return err
}

func address(socket int, name string, what uint, ip string) error {
	r, err := unix.NewIfreq(name)
	if err == nil {
		err = r.SetInet4Addr(net.ParseIP(ip).To4())
	}
	if err == nil {
		err = unix.IoctlIfreq(socket, what, r)
	}
	return err
}

// IP is the address of the host for the other one.
func (h *Host) IP() string { return h.ip }

// Enter moves the calling thread to the host for good: its goroutine must have
// locked it and must never unlock it. A process that the thread starts is there
// from the beginning.
func (h *Host) Enter() error {
	if err := unix.Setns(int(h.space.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("netfault: the host cannot be entered: %w", err)
	}
	return nil
}

// Do runs f on a thread of the host and returns its error. Sockets that f opens
// are the host's for as long as they live; goroutines that it starts are not.
func (h *Host) Do(f func() error) error {
	return onThread(func() error {
		if err := h.Enter(); err != nil {
			return err
		}
		return f()
	})
}

// DialContext opens a connection from the host, to an address that needs no
// look-up.
func (h *Host) DialContext(ctx context.Context, network, address string) (c net.Conn, err error) {
	return h.DialBy(ctx, new(net.Dialer).DialContext, network, address)
}

// DialBy is DialContext by a dialer that sets options of its own.
func (h *Host) DialBy(ctx context.Context, dial func(ctx context.Context, network, address string) (net.Conn, error), network, address string) (c net.Conn, err error) {
	err = h.Do(func() error {
		c, err = dial(ctx, network, address)
		return err
	})
	return c, err
}

func (h *Host) close() error { return errors.Join(h.tun.Close(), h.space.Close()) }

// onThread runs f on a thread that ends with it.
func onThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		done <- f()
	}()
	return <-done
}
