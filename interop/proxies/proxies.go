package proxies

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/turold/turold/interop/servers"
)

const (
	startTime = 20 * time.Second
	stopTime  = 3 * time.Second
	maxStarts = 3
)

// A Proxy is a process. Its methods are not safe for concurrent use.
type Proxy struct {
	Addr string // where it listens

	cmd  *exec.Cmd
	done chan struct{}
	dir  string
	out  output
}

type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

// Log is what it printed, and wrote into its log (Squid).
func (p *Proxy) Log() string {
	p.out.mu.Lock()
	defer p.out.mu.Unlock()
	written, _ := os.ReadFile(filepath.Join(p.dir, "log")) // the others have none
	return p.out.b.String() + string(written)
}

// NGINX starts nginx in front of the server at addr. The lines go into the
// location; upgrade passes upgrades on, which nginx does not do by itself.
func NGINX(addr string, upgrade bool, lines ...string) (*Proxy, error) {
	if upgrade {
		lines = append(lines, "proxy_http_version 1.1;", "proxy_set_header Upgrade $http_upgrade;", "proxy_set_header Connection $upgraded;")
	}
	return start("nginx", "nginx-light", func(listen, dir string) (string, []string) {
		return fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log stderr warn;
events {}
http {
	access_log off;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
	map $http_upgrade $upgraded { default upgrade; '' ''; }
	server {
		listen %[2]s;
		location / {
			proxy_pass http://%[3]s;
			%[4]s
		}
	}
}
`, dir, listen, addr, strings.Join(lines, "\n\t\t\t")), []string{"-p", dir, "-c", filepath.Join(dir, "conf")}
	})
}

// HAProxy starts HAProxy in front of the server at addr. The lines go into the
// frontend, where the ACL upgrade stands for requests for a WebSocket.
func HAProxy(addr string, timeout string, lines ...string) (*Proxy, error) {
	return start("haproxy", "haproxy", func(listen, dir string) (string, []string) {
		return fmt.Sprintf(`defaults
	mode http
	timeout connect 5s
	timeout client %[1]s
	timeout server %[1]s
frontend in
	bind %[2]s
	acl upgrade hdr(Upgrade) -i websocket
	%[4]s
	default_backend out
backend out
	%[5]s
	server s %[3]s
`, timeout, listen, addr, strings.Join(of(lines, false), "\n\t"), strings.Join(of(lines, true), "\n\t")), []string{"-db", "-f", filepath.Join(dir, "conf")}
	})
}

// of are the lines that belong into the backend, or the others.
func of(lines []string, backend bool) (out []string) {
	for _, l := range lines {
		if strings.HasPrefix(l, "timeout tunnel") == backend {
			out = append(out, l)
		}
	}
	return out
}

// Squid starts Squid as a forward proxy. The lines come before everything is
// allowed; credentials says that it wants some, and takes any.
func Squid(credentials bool, lines ...string) (*Proxy, error) {
	if credentials {
		lines = append(lines, "auth_param basic program /usr/lib/squid/basic_fake_auth", "acl known proxy_auth REQUIRED", "http_access deny !known")
	}
	return start("squid", "squid", func(listen, dir string) (string, []string) {
		return fmt.Sprintf(`http_port %s
acl CONNECT method CONNECT
%s
http_access allow all
cache deny all
access_log none
cache_log %[3]s/log
pid_filename %[3]s/pid
coredump_dir %[3]s
visible_hostname proxy
shutdown_lifetime 0 seconds
`, listen, strings.Join(lines, "\n"), dir), []string{"-N", "-n", "s" + listen[strings.LastIndexByte(listen, ':')+1:], "-f", filepath.Join(dir, "conf")}
	})
}

// start writes the configuration, runs the program and waits until it listens.
func start(name, debian string, config func(listen, dir string) (string, []string)) (*Proxy, error) {
	program, err := exec.LookPath(name)
	if err != nil {
		program = "/usr/sbin/" + name
		if _, err := os.Stat(program); err != nil {
			return nil, fmt.Errorf("proxies: %s is missing: install it (Debian: %s), or run interop/setup as root", name, debian)
		}
	}
	// A port that was free may be another process's by now: then it ends at once.
	for attempt := 1; ; attempt++ {
		p, err := run(name, program, config)
		if err == nil || attempt == maxStarts {
			return p, err
		}
	}
}

func run(name, program string, config func(listen, dir string) (string, []string)) (*Proxy, error) {
	port, err := servers.FreePort()
	if err != nil {
		return nil, err
	}
	p := &Proxy{Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), done: make(chan struct{})}
	if p.dir, err = os.MkdirTemp("", name+"-"); err != nil {
		return nil, err
	}
	if err := os.Chmod(p.dir, 0o777); err != nil { // Squid gives its rights up
		return nil, err
	}
	text, args := config(p.Addr, p.dir)
	if err := os.WriteFile(filepath.Join(p.dir, "conf"), []byte(text), 0o644); err != nil {
		return nil, err
	}
	p.cmd = exec.Command(program, args...)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // how it ended is in its output
	}()
	answers := false // and then it must live on: the port may have become another's
	for begun := time.Now(); time.Since(begun) < startTime; time.Sleep(100 * time.Millisecond) {
		select {
		case <-p.done:
			err := fmt.Errorf("proxies: %s ended: %s", name, p.Log())
			p.Stop()
			return nil, err
		default:
		}
		if answers {
			return p, nil
		}
		if c, err := net.Dial("tcp", p.Addr); err == nil {
			answers = true
			_ = c.Close()
		}
	}
	err = fmt.Errorf("proxies: %s does not listen: %s", name, p.Log())
	p.Stop()
	return nil, err
}

// Stop ends it. It may be called again.
func (p *Proxy) Stop() {
	select {
	case <-p.done:
	default:
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(stopTime):
			_ = p.cmd.Process.Kill()
			<-p.done
		}
	}
	_ = os.RemoveAll(p.dir)
}
