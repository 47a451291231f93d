package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/orderprocessing/orderprocessing/server/config"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// Part is something that runs beside the ports, such as a worker or a store.
type Part struct {
	Name  string
	Start func(context.Context) error // nil if there is nothing to start; returns when it has started
	Stop  func(context.Context) error // nil if there is nothing to stop; returns when it has stopped
	// Checks ask what the part depends on.
	Checks []Check
}

// Process is what Run runs.
type Process struct {
	Config config.Config
	API    *API
	Ops    http.Handler
	Health *Health
	Logger *slog.Logger
	Parts  []Part                  // started in order, before the ports open; stopped in reverse
	Opened func(api, ops net.Addr) // called once the ports are open; may be nil
	Leave  func(context.Context)   // called when the process begins to drain, so that others stop calling; may be nil
}

// errDrained tells that calls were still in flight when the time to drain was over.
var errDrained = errors.New("calls were cut off when the time to drain was over")

// Run starts the parts, opens the ports and serves until the context ends. Then it turns unready,
// lets the calls in flight finish, and stops all in reverse. No call that was accepted fails, unless
// it takes longer than the drain timeout: then its context ends, and the error says so.
func Run(ctx context.Context, p Process) (err error) {
	// Stopping must go on although ctx has ended.
	lasting := context.WithoutCancel(ctx)
	for _, part := range p.Parts {
		if part.Start != nil {
			if startErr := part.Start(lasting); startErr != nil {
				return fmt.Errorf("start %s: %w", part.Name, startErr)
			}
		}
		defer func() { err = errors.Join(err, p.stopPart(lasting, part)) }()
	}

	calls, cutOff := context.WithCancelCause(lasting)
	defer cutOff(nil)
	api := newHTTPServer(calls, p.Config.Server, p.API, p.Logger)
	ops := &http.Server{Handler: p.Ops, ReadHeaderTimeout: p.Config.Server.ReadHeaderTimeout}
	if p.Config.Server.TLS.Enabled() {
		if api.TLSConfig, err = newTLSConfig(p.Config.Server.TLS, p.Logger, time.Now); err != nil {
			return err
		}
	}
	opsListener, err := listen(ctx, p.Config.Ops.Host, p.Config.Ops.Port)
	if err != nil {
		return fmt.Errorf("open the operations port (ops.port): %w", err)
	}
	defer ops.Close()
	apiListener, err := listen(ctx, p.Config.Server.Host, p.Config.Server.Port)
	if err != nil {
		return errors.Join(fmt.Errorf("open the API port (server.port): %w", err), opsListener.Close())
	}
	defer close(p.API.over)
	defer api.Close()

	failed := make(chan error, 2)
	go func() { failed <- ops.Serve(opsListener) }()
	go func() {
		if api.TLSConfig != nil {
			failed <- api.ServeTLS(apiListener, "", "")
			return
		}
		failed <- api.Serve(apiListener)
	}()
	p.Health.SetStarted()
	p.Logger.Info("serving", slog.String(telemetry.LogAddress, apiListener.Addr().String()), slog.String(telemetry.LogOpsAddress, opsListener.Addr().String()))
	if p.Opened != nil {
		p.Opened(apiListener.Addr(), opsListener.Addr())
	}

	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	return p.drain(api, cutOff)
}

// drain ends the API port: unready, a pause for load balancers to notice, then no new calls.
func (p *Process) drain(api *http.Server, cutOff context.CancelCauseFunc) error {
	cfg := p.Config.Server
	p.Logger.Info("draining")
	p.Health.SetDraining()
	p.API.draining.Store(true)
	if p.Leave != nil {
		p.Leave(context.Background())
	}
	wait(cfg.DrainDelay)
	if p.API.OnDrain != nil {
		p.API.OnDrain()
	}

	ctx, cancel := context.WithTimeout(context.Background(), cfg.DrainTimeout)
	defer cancel()
	if err := shutdown(ctx, api); err == nil {
		p.Logger.Info("drained")
		return nil
	}
	p.Logger.Warn("cutting off the calls that did not finish")
	cutOff(fault.New(fault.KindUnavailable, fault.ReasonShuttingDown, "the server is shutting down; call again"))
	grace, cancel := context.WithTimeout(context.Background(), cutOffGrace)
	defer cancel()
	_ = shutdown(grace, api) // what remains is closed
	return errDrained
}

const (
	// cutOffGrace is how long calls that were cut off have to say so.
	cutOffGrace = time.Second
	// shutdownEvery is how often shutting down starts again. Shutdown tells the HTTP/2 connections
	// that it finds to finish, and waits for all; one that was just being set up would never be told.
	shutdownEvery = 250 * time.Millisecond
)

func shutdown(ctx context.Context, s *http.Server) error {
	for {
		round, cancel := context.WithTimeout(ctx, shutdownEvery)
		err := s.Shutdown(round)
		cancel()
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
}

func wait(d time.Duration) {
	if d > 0 {
		<-time.After(d)
	}
}

func (p *Process) stopPart(ctx context.Context, part Part) error {
	if err := part.stop(ctx); err != nil {
		return fmt.Errorf("stop %s: %w", part.Name, err)
	}
	return nil
}

// stop stops what there is to stop.
func (p Part) stop(ctx context.Context) error {
	if p.Stop == nil {
		return nil
	}
	return p.Stop(ctx)
}
