package main

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

func TestDashboards(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, write(dir))
	published, err := filepath.Glob("dashboards/*.json")
	require.NoError(t, err)
	require.Len(t, published, len(boards))
	for _, name := range published {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		t.Run(name+" is what the code makes", func(t *testing.T) {
			generated, err := os.ReadFile(filepath.Join(dir, filepath.Base(name)))
			require.NoError(t, err)
			require.Equal(t, string(generated), string(text), "the dashboards have changed; run make dashboards")
		})
		t.Run(name+" is as Grafana's schema wants it", func(t *testing.T) {
			var d dashboard.Dashboard
			require.NoError(t, d.UnmarshalJSONStrict(text))
			require.NoError(t, d.Validate())
		})
	}
	for _, b := range boards {
		for _, r := range b.rows {
			for _, p := range r.panels {
				t.Run(b.name+": "+p.title+" says what it shows, in which unit, and where to read on", func(t *testing.T) {
					require.True(t, strings.HasSuffix(p.about, "."), "its description is a sentence")
					require.NotEmpty(t, p.unit)
					require.NotEmpty(t, p.queries)
					for _, q := range p.queries {
						require.NotEmpty(t, q.legend)
					}
					for _, alert := range p.runbooks {
						require.FileExists(t, filepath.Join("../../docs/runbooks", alert+".md"))
					}
				})
			}
		}
	}
}

func TestProvisioning(t *testing.T) {
	text, err := os.ReadFile("provisioning/datasources/datasources.yaml")
	require.NoError(t, err)
	var content struct {
		Datasources []struct{ UID, URL string }
	}
	require.NoError(t, yaml.Unmarshal(text, &content))
	compose, err := os.ReadFile("../telemetry/compose.yaml")
	require.NoError(t, err)
	var composed struct {
		Services map[string]struct{ Volumes []string }
	}
	require.NoError(t, yaml.Unmarshal(compose, &composed))
	t.Run("every source is a service that is started with Grafana, and may be named by others", func(t *testing.T) {
		known := map[string]bool{}
		for _, source := range content.Datasources {
			at, err := url.Parse(source.URL)
			require.NoError(t, err)
			require.Contains(t, composed.Services, at.Hostname())
			known[source.UID] = true
		}
		for _, named := range regexp.MustCompile(`datasourceUid: (\w+)`).FindAllStringSubmatch(string(text), -1) {
			require.True(t, known[named[1]], named[1])
		}
	})
	t.Run("Grafana finds the dashboards where they are said to be", func(t *testing.T) {
		text, err := os.ReadFile("provisioning/dashboards/dashboards.yaml")
		require.NoError(t, err)
		var content struct {
			Providers []struct{ Options struct{ Path string } }
		}
		require.NoError(t, yaml.Unmarshal(text, &content))
		require.Len(t, content.Providers, 1)
		require.Contains(t, composed.Services["grafana"].Volumes, "../grafana/dashboards:"+content.Providers[0].Options.Path+":ro")
		require.Contains(t, composed.Services["grafana"].Volumes, "../grafana/provisioning:/etc/grafana/provisioning:ro")
	})
}
