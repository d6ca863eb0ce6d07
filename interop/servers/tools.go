package servers

import (
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// A Tool is a program that must be installed, in a version of at least major.
type Tool struct {
	name    string
	version []string // arguments that make it print its version
	major   int      // 0: any
	install string   // what to install
}

// The tools of the servers.
var (
	JRE   = Tool{"java", []string{"-version"}, 17, "a JDK of version 17 or newer (Debian: openjdk-17-jdk-headless)"}
	JDK   = Tool{"javac", []string{"-version"}, 17, "a JDK, not only a JRE, of version 17 or newer (Debian: openjdk-17-jdk-headless)"}
	Maven = Tool{"mvn", nil, 0, "Apache Maven 3.8 or newer (Debian: maven)"}
	Node  = Tool{"node", []string{"--version"}, 18, "Node.js 18 or newer (Debian: nodejs)"}
	NPM   = Tool{"npm", nil, 0, "npm (Debian: npm)"}
)

var firstNumber = regexp.MustCompile(`\d+`)

// check returns an error that says what to install unless the tools are there.
func check(tools ...Tool) error {
	for _, t := range tools {
		if _, err := exec.LookPath(t.name); err != nil {
			return fmt.Errorf("servers: %s is missing: install %s, or run interop/setup as root", t.name, t.install)
		}
		if t.major == 0 {
			continue
		}
		out, err := exec.Command(t.name, t.version...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("servers: %s does not run: %w: %s", t.name, err, tail(string(out)))
		}
		if n, _ := strconv.Atoi(firstNumber.FindString(string(out))); n < t.major {
			return fmt.Errorf("servers: %s has version %d: install %s", t.name, n, t.install)
		}
	}
	return nil
}

// Version is the first line of what the tool says of itself, empty where it says nothing.
func (t Tool) Version() string {
	out, err := exec.Command(t.name, t.version...).CombinedOutput()
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(out), "\n")
	return first
}

// tail is the end of a program's output, where it says what went wrong.
func tail(out string) string {
	const most = 4 << 10
	if len(out) > most {
		return "… " + out[len(out)-most:]
	}
	return out
}
