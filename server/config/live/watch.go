package live

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/orderprocessing/orderprocessing/server/secrets"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

const (
	// settleTime is how long a file must say the same before that is believed: editors write in several steps.
	settleTime = 200 * time.Millisecond
	// lookEvery is how often the file is looked at without being told: some file systems tell nothing.
	lookEvery = 10 * time.Second
)

// Start watches the file, if there is one, and reloads when told by hangups, which may be nil. Stop ends it.
func (s *Settings) Start(ctx context.Context, hangups <-chan os.Signal) error {
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	path := ""
	if s.options.File != nil && s.options.Load != nil {
		var err error
		if path, err = s.options.File(); err != nil {
			return err
		}
	}
	if path == "" {
		s.stopped.Go(func() { s.listen(ctx, hangups) })
		return nil
	}
	w := newFileWatch(path)
	s.stopped.Go(func() {
		defer w.close()
		s.watch(ctx, w, hangups)
	})
	return nil
}

// Stop ends what Start began.
func (s *Settings) Stop(context.Context) error {
	if s.stop != nil {
		s.stop()
		s.stopped.Wait()
	}
	return nil
}

func (s *Settings) listen(ctx context.Context, hangups <-chan os.Signal) {
	for {
		select {
		case <-hangups:
			_ = s.Reload(ctx) // it has told
		case <-ctx.Done():
			return
		}
	}
}

func (s *Settings) watch(ctx context.Context, w *fileWatch, hangups <-chan os.Signal) {
	look, settle := time.NewTicker(lookEvery), time.NewTimer(0) // at once: it may have changed since it was read
	defer look.Stop()
	defer settle.Stop()
	armed := true
	arm := func() {
		if !armed { // others may write into the folder all the time: they must not put it off
			armed = true
			settle.Reset(settleTime)
		}
	}
	events, failures := w.channels()
	for {
		select {
		case <-events:
			arm()
		case <-failures: //nolint:errcheck // there were too many events; the file tells the rest
			arm()
		case <-look.C:
			arm()
		case <-settle.C:
			armed = false
			if again := s.look(ctx, w); again {
				arm()
			}
		case <-hangups:
			w.settled = w.read()
			s.take(ctx, w, w.settled)
		case <-ctx.Done():
			return
		}
	}
}

// look reloads when the file says something else, and has said so twice. It tells whether to look again
// soon.
func (s *Settings) look(ctx context.Context, w *fileWatch) (again bool) {
	w.follow()
	now := w.read()
	if now != w.settled {
		w.settled = now
		return true
	}
	if now != w.last {
		s.take(ctx, w, now)
	}
	return false
}

// take reloads what the file says now.
func (s *Settings) take(ctx context.Context, w *fileWatch, now content) {
	before := w.last
	w.last = now
	if now.failure != "" {
		s.metrics.reloads.WithLabelValues(refused).Inc()
		s.options.Logger.ErrorContext(ctx, "the config file is not read, the settings before stay in force", slog.String(telemetry.LogError, now.failure))
		return
	}
	if err := s.Reload(ctx); errors.Is(err, secrets.ErrAway) {
		w.last = before // it is read again when Vault may be back
	}
}

// fileWatch tells whether the content of a file has changed. It watches the folder: editors put a new file
// in the place of the old one, and Kubernetes turns a symbolic link in it.
type fileWatch struct {
	path          string
	watcher       *fsnotify.Watcher // nil where the system has no more to give: then only the ticker looks
	last, settled content
}

// content is what a file says, or why it says nothing.
type content struct {
	sum     [sha256.Size]byte
	failure string
}

func newFileWatch(path string) *fileWatch {
	w := &fileWatch{path: path}
	if w.settled = w.read(); w.settled.failure != "" {
		w.last = w.settled // as the process started
	}
	if watcher, err := fsnotify.NewWatcher(); err == nil {
		w.watcher = watcher
	}
	w.follow()
	return w
}

// follow watches the folder of the file, and the one that a link leads to.
func (w *fileWatch) follow() {
	if w.watcher == nil {
		return
	}
	_ = w.watcher.Add(filepath.Dir(w.path)) // the ticker looks all the same
	if target, err := filepath.EvalSymlinks(w.path); err == nil {
		_ = w.watcher.Add(filepath.Dir(target))
	}
}

func (w *fileWatch) channels() (<-chan fsnotify.Event, <-chan error) {
	if w.watcher == nil {
		return nil, nil
	}
	return w.watcher.Events, w.watcher.Errors
}

func (w *fileWatch) read() content {
	text, err := os.ReadFile(w.path)
	if err != nil {
		return content{failure: err.Error()}
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return content{failure: w.path + " is empty, which would mean every default; restart if that is meant"}
	}
	return content{sum: sha256.Sum256(text)}
}

func (w *fileWatch) close() {
	if w.watcher != nil {
		_ = w.watcher.Close()
	}
}
