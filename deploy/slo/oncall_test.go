package main

import (
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

const alertmanagerFile = "../telemetry/alertmanager.yaml"

// receivers are who is told, by severity.
var receivers = map[string]string{page: "on-call", ticket: "tickets", heartbeat: "heartbeat"}

func TestRouting(t *testing.T) {
	amtool := func(t *testing.T, arguments ...string) {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "amtool", arguments...).CombinedOutput()
		require.NoError(t, err, "amtool %v (.ci/deps installs it):\n%s", arguments, out)
	}
	t.Run("Alertmanager takes its configuration", func(t *testing.T) {
		amtool(t, "check-config", alertmanagerFile)
	})
	routed := func(t *testing.T, receiver string, labels ...string) {
		t.Helper()
		amtool(t, append([]string{"config", "routes", "test", "--config.file", alertmanagerFile, "--verify.receivers", receiver}, labels...)...)
	}
	t.Run("every alert goes to whom its severity names", func(t *testing.T) {
		for _, group := range rules(1).Groups {
			for _, rule := range group.Rules {
				if rule.Alert != "" {
					severity := rule.Labels["severity"]
					require.Contains(t, receivers, severity)
					routed(t, receivers[severity], "alertname="+rule.Alert, "severity="+severity)
				}
			}
		}
	})
	t.Run("an alert of a severity that nobody thought of is not lost", func(t *testing.T) {
		routed(t, receivers[ticket], "alertname=Surprise", "severity=urgent")
	})
}
