package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// readFile reads a YAML file as nested settings, and notes the line of each. What is wrong is told with
// file and line; the settings that are right are returned all the same, so that everything wrong is told at
// once.
func readFile(path string, lines map[string]int) (map[string]any, []error) {
	file, err := os.Open(path) //nolint:gosec // the operator names it
	if err != nil {
		return nil, []error{fmt.Errorf("config file %s: %w", path, reasonOf(err))}
	}
	defer file.Close()

	var document yaml.Node
	decoder := yaml.NewDecoder(file)
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, nil // an empty file says nothing
	} else if err != nil {
		return nil, []error{fmt.Errorf("%s: %w", path, err)}
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, []error{fmt.Errorf("%s: must be one YAML document", path)}
	}
	return fileReader{path, lines}.walk("", document.Content[0])
}

type fileReader struct {
	path  string
	lines map[string]int // by key
}

func (r fileReader) wrong(line int, key, message string) error {
	return Problem{Key: key, Where: fmt.Sprintf("%s:%d", r.path, line), Message: message}
}

func (r fileReader) walk(prefix string, node *yaml.Node) (map[string]any, []error) {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.Kind == yaml.ScalarNode && node.Tag == "!!null" {
		return nil, nil // a section that was left empty
	}
	if node.Kind != yaml.MappingNode {
		return nil, []error{r.wrong(node.Line, strings.TrimSuffix(prefix, "."), orTop(prefix)+" must be a section with keys below it")}
	}
	settings, problems := map[string]any{}, []error(nil)
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := node.Content[i], node.Content[i+1]
		key := strings.ToLower(prefix + name.Value)
		if _, twice := settings[strings.ToLower(name.Value)]; twice {
			problems = append(problems, r.wrong(name.Line, key, key+" is given twice"))
			continue
		}
		switch {
		case isSection(key):
			section, wrong := r.walk(key+".", value)
			settings[strings.ToLower(name.Value)] = section
			problems = append(problems, wrong...)
		case isKey(key):
			r.lines[key] = value.Line
			var decoded any
			if err := value.Decode(&decoded); err != nil {
				problems = append(problems, r.wrong(value.Line, key, key+" cannot be read: it is no plain value or list"))
				continue
			}
			if value.Kind == yaml.MappingNode || reflect.ValueOf(decoded).Kind() == reflect.Map {
				problems = append(problems, r.wrong(value.Line, key, key+" is a setting, not a section"))
				continue
			}
			if decoded != nil {
				settings[strings.ToLower(name.Value)] = decoded
			}
		default:
			problems = append(problems, r.wrong(name.Line, key, "unknown key "+key+suggest(key, keyNames())))
		}
	}
	return settings, problems
}

func orTop(prefix string) string {
	if prefix == "" {
		return "the file"
	}
	return strings.TrimSuffix(prefix, ".")
}
