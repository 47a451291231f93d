package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const smaps = `00400000-0376c000 r-xp 00000000 08:01 12                         /opt/orderprocessing
Rss:               24576 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me sd
0376c000-05e27000 r--p 0336c000 08:01 12                         /opt/orderprocessing
Rss:               28000 kB
Anonymous:             0 kB
05e27000-05f2b000 rw-p 05a27000 08:01 12                         /opt/orderprocessing
Anonymous:             0 kB
06000000-06001000 r-xp 00000000 08:01 12                         /opt/orderprocessing
Anonymous:             4 kB
07000000-07001000 r--p 00000000 08:01 13                         /opt/other
Anonymous:             0 kB
c000000000-c000400000 rw-p 00000000 00:00 0 
Anonymous:          4096 kB
`

func TestReadRegions(t *testing.T) {
	t.Run("code and constants of the file, where nobody has written", func(t *testing.T) {
		regions, err := readRegions(strings.NewReader(smaps), "/opt/orderprocessing")
		require.NoError(t, err)
		require.Equal(t, []region{{0x400000, 0x376c000}, {0x376c000, 0x5e27000}}, regions)
	})
	t.Run("nothing of another file", func(t *testing.T) {
		regions, err := readRegions(strings.NewReader(smaps), "/opt/orderprocessing (deleted)")
		require.NoError(t, err)
		require.Empty(t, regions)
	})
	t.Run("what cannot be read is said", func(t *testing.T) {
		_, err := readRegions(strings.NewReader("x-y r-xp 0 0 0 /opt/orderprocessing\n"), "/opt/orderprocessing")
		require.ErrorContains(t, err, "x-y")
	})
}

func TestTrim(t *testing.T) {
	regions, err := ownRegions()
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(regions), 2, "code and constants")
	before := residentOfFiles(t)
	require.NoError(t, trim())
	require.Less(t, residentOfFiles(t), before)
}

// residentOfFiles is how much of files this process has in memory, in KiB.
func residentOfFiles(t *testing.T) (kib int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	_, line, found := strings.Cut(string(status), "RssFile:")
	require.True(t, found)
	_, err = fmt.Sscan(line, &kib)
	require.NoError(t, err)
	return kib
}
