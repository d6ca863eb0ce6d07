package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// An edit replaces a text in the one place of a function where it stands.
type edit struct {
	function string // as "Dial" or "Client.Send"; empty: outside all functions
	old, new string // whole lines
	lines    []string
}

// A span is where a function stands in its file, its comment aside.
type span struct {
	name       string
	start, end int
}

// functions returns where each function of a file stands.
func functions(source []byte) ([]span, error) {
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, "", source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	var spans []span
	for _, d := range f.Decls {
		if d, ok := d.(*ast.FuncDecl); ok {
			spans = append(spans, span{functionName(d), files.Position(d.Pos()).Offset, files.Position(d.End()).Offset + len("\n")})
		}
	}
	return spans, nil
}

// functionName is the name of a function, for a method behind its receiver's.
func functionName(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return d.Name.Name
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name + "." + d.Name.Name
		default:
			return d.Name.Name
		}
	}
}

// places returns where the old text of an edit stands in the edit's function.
func (e *edit) places(source []byte, spans []span) (found []int, known bool) {
	for at, text := 0, string(source); ; {
		i := strings.Index(text[at:], e.old)
		if i < 0 {
			break
		}
		at += i
		start, end := at, at+len(e.old)
		at++
		whole := start == 0 || source[start-1] == '\n'
		if whole && e.within(start, end, spans) {
			found = append(found, start)
		}
	}
	return found, e.function == "" || slices.ContainsFunc(spans, func(s span) bool { return s.name == e.function })
}

// within says whether a piece of the file is of the edit's function.
func (e *edit) within(start, end int, spans []span) bool {
	if e.function == "" {
		return !slices.ContainsFunc(spans, func(s span) bool { return start < s.end && s.start < end })
	}
	return slices.ContainsFunc(spans, func(s span) bool { return s.name == e.function && s.start <= start && end <= s.end })
}

// change returns the source with every edit made.
func change(source []byte, edits []edit) ([]byte, error) {
	spans, err := functions(source)
	if err != nil {
		return nil, err
	}
	type place struct {
		at int
		edit
	}
	var places []place
	for _, e := range edits {
		where := "outside all functions"
		if e.function != "" {
			where = "in " + e.function
		}
		at, known := e.places(source, spans)
		switch {
		case !known:
			return nil, fmt.Errorf("there is no function %s", e.function)
		case len(at) != 1:
			return nil, fmt.Errorf("this stands %d times %s, and must once:\n%s", len(at), where, e.old)
		}
		places = append(places, place{at[0], e})
	}
	slices.SortFunc(places, func(a, b place) int { return b.at - a.at })
	text, limit := string(source), len(source)
	for _, p := range places {
		if p.at+len(p.old) > limit {
			return nil, fmt.Errorf("two edits are of one place:\n%s", p.old)
		}
		text, limit = text[:p.at]+p.new+text[p.at+len(p.old):], p.at
	}
	return []byte(text), nil
}
