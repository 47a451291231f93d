package telemetry

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"
	"go.yaml.in/yaml/v3"
)

// TestCollector holds the collector's reading of the log against what is logged.
func TestCollector(t *testing.T) {
	text, err := os.ReadFile("../../deploy/telemetry/collector.yaml")
	require.NoError(t, err)
	type parsed struct {
		Type      string
		Timestamp struct {
			From   string `yaml:"parse_from"`
			Layout string
		}
		Severity struct {
			From string `yaml:"parse_from"`
		}
		TraceID struct {
			From string `yaml:"parse_from"`
		} `yaml:"trace_id"`
		SpanID struct {
			From string `yaml:"parse_from"`
		} `yaml:"span_id"`
		From string
	}
	var config struct {
		Receivers struct {
			Filelog struct{ Operators []parsed }
		}
		Processors struct {
			Sampling struct {
				Policies []struct {
					Attribute struct{ Key string } `yaml:"numeric_attribute"`
				}
			} `yaml:"tail_sampling"`
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &config))

	var out bytes.Buffer
	logger, _, err := NewLogger(&out, "info", "json")
	require.NoError(t, err)
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}})
	logger.WarnContext(trace.ContextWithSpanContext(t.Context(), span), "hello")
	var record map[string]string
	require.NoError(t, json.Unmarshal(out.Bytes(), &record))
	in := func(attribute string) string { return record[strings.TrimPrefix(attribute, "attributes.")] }

	operators := map[string]parsed{}
	for _, operator := range config.Receivers.Filelog.Operators {
		operators[operator.Type] = operator
	}
	t.Run("it finds when, how grave and what", func(t *testing.T) {
		at, err := time.Parse(operators["json_parser"].Timestamp.Layout, in(operators["json_parser"].Timestamp.From))
		require.NoError(t, err)
		require.WithinDuration(t, time.Now(), at, time.Minute)
		require.Equal(t, "WARN", in(operators["json_parser"].Severity.From))
		require.Equal(t, "hello", in(operators["move"].From))
	})
	t.Run("it finds the trace", func(t *testing.T) {
		require.Equal(t, span.TraceID().String(), in(operators["trace_parser"].TraceID.From))
		require.Equal(t, span.SpanID().String(), in(operators["trace_parser"].SpanID.From))
	})
	t.Run("it keeps traces by an attribute that we set", func(t *testing.T) {
		var keys []string
		for _, policy := range config.Processors.Sampling.Policies {
			if policy.Attribute.Key != "" {
				keys = append(keys, policy.Attribute.Key)
			}
		}
		require.Equal(t, []string{AttributeAttempt}, keys)
	})
}
