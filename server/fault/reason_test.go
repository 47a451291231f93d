package fault_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReasons(t *testing.T) {
	find := func(file, pattern string) (found []string) {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
			found = append(found, match[1])
		}
		slices.Sort(found)
		return found
	}
	t.Run("docs/errors.md has a line for each, and none that does not exist", func(t *testing.T) {
		reasons := slices.Concat(
			find("reason.go", `Reason = "([A-Z0-9_]+)"`),
			find("../store/database/url.go", `Reason = "([A-Z0-9_]+)"`),
			find("../store/migrate/faults.go", `Reason = "([A-Z0-9_]+)"`),
		)
		slices.Sort(reasons)
		require.Equal(t, reasons, find("../../docs/errors.md", "(?m)^\\| `([A-Z0-9_]+)` \\|"))
	})
}
