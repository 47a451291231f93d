package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// trim gives back the pages of the program's own file that only starting has touched: half of what a server
// has resident before its first call. What is needed again comes back from the system's cache, a fault for
// 16 pages.
func trim() error {
	regions, err := ownRegions()
	for _, r := range regions {
		if _, _, failed := unix.Syscall(unix.SYS_MADVISE, r.from, r.to-r.from, unix.MADV_DONTNEED); failed != 0 {
			err = errors.Join(err, failed)
		}
	}
	return err
}

// ownRegions finds where the program's own file is in memory.
func ownRegions() ([]region, error) {
	path, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return nil, err
	}
	smaps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return nil, err
	}
	defer smaps.Close()
	return readRegions(smaps, path)
}

// region is where a part of a file is in memory.
type region struct{ from, to uintptr }

// readRegions finds where a file is in memory that has nothing but what the file has: neither data, nor
// code in which a debugger or a tracer has put its traps.
func readRegions(smaps io.Reader, path string) (regions []region, err error) {
	var last region
	for lines := bufio.NewScanner(smaps); ; {
		if !lines.Scan() {
			return regions, lines.Err()
		}
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) >= 5 && strings.Contains(fields[0], "-"): // the head of a region
			last = region{}
			if len(fields) != 6 || fields[5] != path || strings.Contains(fields[1], "w") {
				continue
			}
			if _, err := fmt.Sscanf(fields[0], "%x-%x", &last.from, &last.to); err != nil {
				return nil, fmt.Errorf("read %q: %w", lines.Text(), err)
			}
		case len(fields) == 3 && fields[0] == "Anonymous:" && fields[1] == "0" && last != region{}:
			regions = append(regions, last)
		}
	}
}
