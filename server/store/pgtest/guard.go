package pgtest

import (
	"context"
	"io"
	"os"
	"os/exec"
	"sync"
)

// guardian outlives this process for a moment. The end of its input is the end of this process,
// were it by SIGKILL: then it ends the server and removes the folder. It has a session of its own,
// so that ^C does not reach it.
const guardian = `
read -r word
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
if [ -n "$pid" ]; then
  kill -QUIT "$pid" 2>/dev/null
  tries=0
  while [ $tries -lt 100 ] && kill -0 "$pid" 2>/dev/null; do sleep 0.1; tries=$((tries+1)); done
fi
[ "$2" = keep ] || rm -rf -- "$1"
`

// guarding keeps the pipes from the garbage collector, which would close them and so end a server
// that nobody holds a reference to any more.
var guarding sync.Map

type guard struct {
	cmd  *exec.Cmd
	pipe io.Closer
}

func startGuard(dir string, keep bool) (*guard, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer read.Close()
	mode := "remove"
	if keep {
		mode = "keep"
	}
	cmd := exec.CommandContext(context.Background(), "/bin/sh", "-c", guardian, "guard", dir, mode) //nolint:gosec // our own script
	cmd.Dir, cmd.Stdin, cmd.SysProcAttr = "/", read, asServer()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	g := &guard{cmd: cmd, pipe: write}
	guarding.Store(g, nil)
	return g, nil
}

// end lets the guardian do its work now, and waits for it.
func (g *guard) end() error {
	guarding.Delete(g)
	_ = g.pipe.Close()
	return g.cmd.Wait()
}
