package config

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// WriteYAML prints the settings as a config file, secrets redacted.
func (c Config) WriteYAML(w io.Writer) error {
	encoder := yaml.NewEncoder(w)
	encoder.SetIndent(2)
	if err := encoder.Encode(c.tree()); err != nil {
		return fmt.Errorf("print config: %w", err)
	}
	return encoder.Close()
}

// WriteJSON prints the settings as JSON, secrets redacted.
func (c Config) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(c.tree())
}

// tree is the config as nested maps of plain values; the encoders sort the keys.
func (c Config) tree() map[string]any {
	tree := map[string]any{}
	for _, key := range keysOf(c) {
		at, path := tree, strings.Split(key.Name, ".")
		for _, section := range path[:len(path)-1] {
			if at[section] == nil {
				at[section] = map[string]any{}
			}
			at = at[section].(map[string]any)
		}
		at[path[len(path)-1]] = plain(key.value)
	}
	return tree
}

func sprint(value any) string {
	if d, ok := value.(time.Duration); ok {
		return shortDuration(d)
	}
	return fmt.Sprint(value)
}

// shortDuration writes 2m, where the standard library writes 2m0s.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
