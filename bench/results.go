package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
)

// load reads what was kept of comparisons, by name and subject.
func load(file string) (map[string]map[string][]figures, error) {
	if file == "" {
		return nil, nil
	}
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all map[string]map[string][]figures
	return all, json.Unmarshal(b, &all)
}

func save(file string, all []*result) error {
	if file == "" {
		return nil
	}
	kept := map[string]map[string][]figures{}
	for _, r := range all {
		kept[r.name] = r.taken
	}
	b, err := json.MarshalIndent(kept, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(file, b, 0o644)
}
