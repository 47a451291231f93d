package config

import (
	"fmt"
	"slices"
	"strings"
)

// alsoKnown are variables that are ours but are no settings of the server.
var alsoKnown = []string{envPrefix + "_URL", envPrefix + "_TOKEN", configEnv}

const testPrefix = envPrefix + "_TEST_"

// unknownEnvironment finds variables that look like settings and are none.
func unknownEnvironment(environ []string) []error {
	known := slices.Clone(alsoKnown)
	for _, key := range Keys() {
		known = append(known, key.Env)
	}
	var problems []error
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, envPrefix+"_") || strings.HasPrefix(name, testPrefix) || slices.Contains(known, name) {
			continue
		}
		problems = append(problems, Problem{Message: fmt.Sprintf("unknown environment variable %s%s", name, suggest(name, known))})
	}
	return problems
}

func keyNames() []string {
	var names []string
	for _, key := range Keys() {
		names = append(names, key.Name)
	}
	return names
}

func isKey(name string) bool { return slices.Contains(keyNames(), name) }

func isSection(name string) bool {
	return slices.ContainsFunc(keyNames(), func(key string) bool { return strings.HasPrefix(key, name+".") })
}

// suggest names the known name that is nearest to a wrong one, if any is near.
func suggest(wrong string, known []string) string {
	best, nearest := len(wrong)/3+2, ""
	for _, name := range known {
		if d := distance(wrong, name); d < best {
			best, nearest = d, name
		}
	}
	if nearest == "" {
		return ""
	}
	return ", did you mean " + nearest + "?"
}

// distance counts the letters to change, add or drop (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
