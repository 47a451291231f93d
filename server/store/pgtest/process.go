//go:build unix

package pgtest

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// asServer makes a child run in its own session and, since Postgres refuses root, as the user
// postgres if we are root.
func asServer() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true}
	if uid, gid, ok := serverUser(); ok {
		attr.Credential = &syscall.Credential{Uid: uid, Gid: gid}
	}
	return attr
}

func giveToServer(path string) error {
	if uid, gid, ok := serverUser(); ok {
		return os.Chown(path, int(uid), int(gid))
	}
	return nil
}

// serverUser is who runs the server, unless it is who we are.
func serverUser() (uid, gid uint32, ok bool) {
	if os.Geteuid() != 0 {
		return 0, 0, false
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		id, err1 := strconv.ParseUint(u.Uid, 10, 32)
		group, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return uint32(id), uint32(group), true
		}
	}
	return 0, 0, false
}

// ended tells whether a child of ours has ended. It leaves the child to be waited for.
func ended(pid int) bool {
	state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return syscall.Kill(pid, 0) != nil // no /proc here
	}
	_, after, _ := strings.Cut(string(state), ") ")
	return strings.HasPrefix(after, "Z")
}

// childrenOf finds a process's children where /proc tells; elsewhere they find out themselves that
// their parent is gone.
func childrenOf(pid int) []int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	var children []int
	for _, stat := range stats {
		content, err := os.ReadFile(stat) //nolint:gosec // of the kernel
		if err != nil {
			continue
		}
		_, after, _ := strings.Cut(string(content), ") ")
		if fields := strings.Fields(after); len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			child, err := strconv.Atoi(filepath.Base(filepath.Dir(stat)))
			if err == nil {
				children = append(children, child)
			}
		}
	}
	return children
}

func suspend(pid int) { _ = syscall.Kill(pid, syscall.SIGSTOP) }

func kill(pid int) { _ = syscall.Kill(pid, syscall.SIGKILL) }
