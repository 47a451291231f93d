package interceptors

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// observe is the interceptor that logs and counts each call once, when it ends. What connect answers
// before the interceptors run is logged and counted by Edge in the same way.
func (c *Chain) observe(ctx context.Context, call *call, next func(context.Context) error) error {
	started := time.Now()
	exchange := exchangeFrom(ctx)
	if exchange != nil {
		exchange.reach()
		started = exchange.started
	}
	defer c.metrics.began()()
	err := next(ctx)
	c.record(ctx, call, started, exchange, err)
	return err
}

func (c *Chain) record(ctx context.Context, call *call, started time.Time, exchange *exchange, err error) {
	took := time.Since(started)
	code := codeName(err)
	c.metrics.record(ctx, call.spec.Procedure, code, took)

	level := levelOf(call.spec.Procedure, err)
	if !c.logger.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 9)
	attrs = append(attrs,
		slog.String(telemetry.LogProcedure, call.spec.Procedure),
		slog.String(telemetry.LogProtocol, call.peer.Protocol),
		slog.String(telemetry.LogPeer, call.peer.Addr),
		slog.String(telemetry.LogCode, code),
		slog.Float64(telemetry.LogSeconds, took.Seconds()),
	)
	if refused := new(refusal); errors.As(err, &refused) {
		attrs = append(attrs, slog.String(telemetry.LogReason, string(refused.reason)))
	}
	if exchange != nil {
		if exchange.callerID != "" {
			attrs = append(attrs, slog.String(telemetry.LogCaller, exchange.callerID))
		}
		attrs = append(attrs, slog.Int64(telemetry.LogBytesIn, exchange.bytesIn.Load()))
		if exchange.procedure.StreamsOut {
			attrs = append(attrs, slog.Int64(telemetry.LogBytesOut, exchange.bytesOut.Load()))
		}
	}
	c.logger.LogAttrs(ctx, level, "call", attrs...)
}

// levelOf is what an operator should look at: our mistakes are errors, trouble is a warning, what
// callers do wrong is their business. Probes are for debugging.
func levelOf(procedure string, err error) slog.Level {
	if err == nil || connect.IsNotModifiedError(err) {
		if strings.HasPrefix(procedure, "/grpc.") {
			return slog.LevelDebug
		}
		return slog.LevelInfo
	}
	switch connect.CodeOf(err) {
	case connect.CodeInternal, connect.CodeUnknown, connect.CodeDataLoss:
		return slog.LevelError
	case connect.CodeUnavailable, connect.CodeDeadlineExceeded, connect.CodeResourceExhausted:
		return slog.LevelWarn
	default:
		return slog.LevelInfo
	}
}
