package main

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// table is where it says what finds which.
const table = "internal/check/mutants/CAUGHT.md"

func main() {
	prefix := flag.String("only", "", "those whose name begins with this")
	seeds := flag.Int("seeds", 1000, "schedules to play at most; 0: none")
	known := flag.Bool("known", false, "look only whether what is known to find them does")
	write := flag.Bool("write", false, "write "+table)
	moved := flag.Bool("follow", false, "write where the text of each defect stands now that does not apply, and do nothing else")
	flag.Parse()
	if *moved {
		if err := follow(*prefix); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	missed, err := hunt(*prefix, *seeds, *known, *write)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	if err != nil || missed > 0 {
		os.Exit(1)
	}
}

// hunt looks for each mutant, and returns how many nothing noticed.
func hunt(prefix string, seeds int, known, write bool) (missed int, err error) {
	dir, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ms, err := all(dir, prefix)
	if err != nil {
		return 0, err
	}
	find := func(m *mutant) (finding, error) { return m.hunted(seeds) }
	if known {
		before, err := readTable()
		if err != nil {
			return 0, err
		}
		joined, err := together(dir, ms, before)
		if err != nil {
			return 0, err
		}
		find = func(m *mutant) (f finding, err error) {
			f = joined[m.name]
			for tries := 0; tries < 3 && f == (finding{}) && err == nil; tries++ { // chance is in some of the tests
				f, err = m.again(before[m.name])
			}
			return f, err
		}
	}
	found := map[string]finding{}
	for i := range ms {
		f, err := find(&ms[i])
		if err != nil {
			return 0, err
		}
		if f == (finding{}) {
			missed++
		}
		found[ms[i].name] = f
		fmt.Println(row(ms[i], f))
	}
	fmt.Printf("%d mutants, %d missed\n", len(ms), missed)
	if write {
		return missed, writeTable(ms, found)
	}
	return missed, nil
}

// A finding is what noticed a mutant.
type finding struct {
	within    int    // so many schedules; 0: none did
	pkg, test string // empty: none did
}

func (m *mutant) hunted(seeds int) (f finding, err error) {
	if f.within, err = m.simulate(seeds); err != nil {
		return f, err
	}
	f.pkg, f.test, err = m.test()
	return f, err
}

// again repeats the cheapest of what noticed it before.
func (m *mutant) again(before finding) (f finding, err error) {
	switch {
	case before.test != "" && before.test != whole:
		f.pkg = before.pkg
		f.test, err = m.fails(before.pkg, "^"+before.test+"$")
	case before.within > 0:
		f.within, err = m.simulate(4*before.within + 20) // in which order goroutines run is not in a seed
	default:
		return f, fmt.Errorf("%s is not in %s", m.name, table)
	}
	if f.test == "" {
		f.pkg = ""
	}
	return f, err
}

// whole stands for a test where its name is not known.
const whole = "the whole package"

func row(m mutant, f finding) string {
	sim, test := "-", "-"
	if f.within > 0 {
		sim = strconv.Itoa(f.within)
	}
	if f.test != "" {
		test = strings.TrimPrefix(f.pkg, "./") + ": " + f.test
	}
	return fmt.Sprintf("| %s | %s | %s | %s |", m.name, m.what, sim, test)
}

const head = `# What finds which

Each row is a planted defect, how many schedules of the simulation were played at most until one failed (` + "`-`: none of those played did, 1,000 at most" + `), and the first test that
failed. Written by ` + "`go run ./internal/check/mutants -write`" + `; ` + "`-known`" + ` looks whether it still holds.

| Mutant | What is wrong | Simulation, within | Test |
| --- | --- | --- | --- |
`

func writeTable(ms []mutant, found map[string]finding) error {
	var b strings.Builder
	b.WriteString(head)
	for _, m := range ms {
		b.WriteString(row(m, found[m.name]) + "\n")
	}
	return os.WriteFile(table, []byte(b.String()), 0o644)
}

// readTable reads what writeTable wrote.
func readTable() (map[string]finding, error) {
	text, err := os.ReadFile(table)
	if err != nil {
		return nil, err
	}
	found := map[string]finding{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		if len(cells) != 4 || cells[0] == "Mutant" || strings.HasPrefix(cells[0], "-") {
			continue
		}
		var f finding
		f.within, _ = strconv.Atoi(cells[2]) // "-" is none
		if pkg, test, ok := strings.Cut(cells[3], ": "); ok {
			f.pkg, f.test = "./"+pkg, test
		}
		found[cells[0]] = f
	}
	return found, nil
}
