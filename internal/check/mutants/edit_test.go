package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const source = `package p

const limit = 1

func (s *set[K]) add() {
	n := limit
	use(n)
}

func add() {
	n := limit
	use(n)
	use(n)
}
`

const description = `What is wrong.

file p/p.go
top level
-const limit = 1
+const limit = 2
func set.add
-	use(n)
+	use(n, 1)
func add
 	n := limit
+	n++
`

const planted = `package p

const limit = 2

func (s *set[K]) add() {
	n := limit
	use(n, 1)
}

func add() {
	n := limit
	n++
	use(n)
	use(n)
}
`

func TestDescription(t *testing.T) {
	m, err := parse(description)
	require.NoError(t, err)
	require.Equal(t, "What is wrong.", m.what)
	require.Equal(t, "p/p.go", m.file)
	require.Equal(t, description, m.String())
	text, err := change([]byte(source), m.edits)
	require.NoError(t, err)
	require.Equal(t, planted, string(text))
}

// TestFaultyDescriptions: what cannot be meant is an error that says why.
func TestFaultyDescriptions(t *testing.T) {
	for text, want := range map[string]string{
		"What.\n\nfile a.go\n":                             "one text at least",
		"What.\n\nfile a.go\nfunc f\n+\tcomes\n":           "one text at least",
		"What.\n\nfile a.go\nfunc f\n \tstays\n":           "one text at least",
		"What.\n\nfunc f\n-\tgoes\n":                       "names a file",
		"What.\n\nfile a.go\n-\tgoes\n":                    "not expected",
		"What.\n\nfile a.go\nfunc f\n-\tgoes\n\n":          "not expected",
		"What.\n\nfile a.go\nfunc f\n\tgoes\n":             "begins with",
		"What.\n\nfile a.go\nfile b.go\nfunc f\n-\tgoes\n": "not expected",
	} {
		_, err := parse(text)
		require.ErrorContains(t, err, want, text)
	}
}

// TestEditOfNoPlace: a text must stand once in the function that is named.
func TestEditOfNoPlace(t *testing.T) {
	for _, c := range []struct {
		edits []edit
		want  string
	}{
		{[]edit{{function: "remove", old: "\tuse(n)\n"}}, "there is no function remove"},
		{[]edit{{function: "add", old: "\tuse(n)\n"}}, "stands 2 times in add"},
		{[]edit{{function: "set.add", old: "\tn++\n"}}, "stands 0 times in set.add"},
		{[]edit{{function: "set.add", old: "use(n)\n"}}, "stands 0 times"},
		{[]edit{{old: "\tn := limit\n"}}, "stands 0 times outside all functions"},
		{[]edit{{function: "set.add", old: "\tn := limit\n"}, {function: "set.add", old: "\tn := limit\n\tuse(n)\n"}}, "two edits are of one place"},
	} {
		_, err := change([]byte(source), c.edits)
		require.ErrorContains(t, err, c.want)
	}
}

// TestFollow moves a function to another file, gives another one another name,
// and leaves two that cannot be told apart.
func TestFollow(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.MkdirAll(folder, 0o755))
	require.NoError(t, os.MkdirAll("p", 0o755))
	write := func(name, text string) { require.NoError(t, os.WriteFile(name, []byte(text), 0o644)) }
	head := "What.\n\nfile p/a.go\n"
	write(filepath.Join(folder, "moved"+suffix), head+"func moved\n-\tone()\n+\ttwo()\n")
	write(filepath.Join(folder, "renamed"+suffix), head+"func before\n-\tthree()\n+\tfour()\n")
	write(filepath.Join(folder, "lost"+suffix), head+"func gone\n-\tfive()\n+\tsix()\n")
	write("p/a.go", "package p\n\nfunc after() {\n\tthree()\n}\n")
	write("p/b.go", "package p\n\nfunc moved() {\n\tone()\n}\n\nfunc other() {\n\tone()\n\tfive()\n}\n\nfunc another() {\n\tfive()\n}\n")
	require.NoError(t, follow(""))
	ms, err := read("")
	require.NoError(t, err)
	where := map[string]string{}
	for _, m := range ms {
		where[m.name] = m.file + " " + m.edits[0].function
	}
	require.Equal(t, map[string]string{"moved": "p/b.go moved", "renamed": "p/a.go after", "lost": "p/a.go gone"}, where)
	_, err = all(t.TempDir(), "")
	require.ErrorContains(t, err, "1 defects do not apply")
	require.True(t, strings.Contains(err.Error(), "lost: p/a.go: there is no function gone"), err)
}
