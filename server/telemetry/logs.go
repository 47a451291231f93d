package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"go.opentelemetry.io/otel/trace"
)

// NewLogger builds the logger of the process. Level is debug, info, warn or error; format is json or
// text. Records made with a context carry its trace and span ids. The level can be changed later.
func NewLogger(w io.Writer, level, format string) (*slog.Logger, *slog.LevelVar, error) {
	least := new(slog.LevelVar)
	if err := least.UnmarshalText([]byte(level)); err != nil {
		return nil, nil, fmt.Errorf("log level %q: %w", level, err)
	}
	options := &slog.HandlerOptions{Level: least}
	switch format {
	case "json":
		return slog.New(traced{slog.NewJSONHandler(w, options)}), least, nil
	case "text":
		return slog.New(traced{slog.NewTextHandler(w, options)}), least, nil
	}
	return nil, nil, fmt.Errorf("log format %q: must be json or text", format)
}

// traced adds the ids of the span that a record was made in.
type traced struct{ slog.Handler }

func (t traced) Handle(ctx context.Context, record slog.Record) error {
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		record.AddAttrs(
			slog.String(LogTraceID, span.TraceID().String()),
			slog.String(LogSpanID, span.SpanID().String()),
		)
	}
	return t.Handler.Handle(ctx, record)
}

func (t traced) WithAttrs(attrs []slog.Attr) slog.Handler { return traced{t.Handler.WithAttrs(attrs)} }

func (t traced) WithGroup(name string) slog.Handler { return traced{t.Handler.WithGroup(name)} }
