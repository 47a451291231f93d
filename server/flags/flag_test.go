package flags

import (
	"fmt"
	"testing"

	"github.com/open-feature/go-sdk/openfeature"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var colors = Flag{Key: "color", Variants: []string{"red", "green", "blue"}, Default: "red", Killed: "blue"}

func TestFlag_decide(t *testing.T) {
	listed := Setting{
		Enabled: true, Default: "red", Rollout: map[string]int{"green": 100}, Targets: map[string]string{"cus_1": "blue"},
	}
	killed := listed
	killed.Enabled = false
	for name, tt := range map[string]struct {
		setting  Setting
		customer string
		want     string
		why      openfeature.Reason
	}{
		"the default for everybody":              {Setting{Enabled: true, Default: "green"}, "cus_1", "green", openfeature.StaticReason},
		"a target before the rollout":            {listed, "cus_1", "blue", openfeature.TargetingMatchReason},
		"the rollout before the default":         {listed, "cus_2", "green", openfeature.SplitReason},
		"nobody in particular is in no share":    {listed, "", "red", openfeature.StaticReason},
		"killed, whatever else is set":           {killed, "cus_1", "blue", openfeature.DisabledReason},
		"killed for nobody in particular":        {killed, "", "blue", openfeature.DisabledReason},
		"a share of nothing leaves it as it was": {Setting{Enabled: true, Default: "red", Rollout: map[string]int{"green": 0}}, "cus_1", "red", openfeature.SplitReason},
	} {
		t.Run(name, func(t *testing.T) {
			got, why := colors.decide(tt.setting, tt.customer)
			require.Equal(t, tt.want, got)
			require.Equal(t, tt.why, why)
		})
	}
}

func TestFlag_rollout(t *testing.T) {
	const customers = 20_000
	share := func(green, blue int) (all map[string]string, counts map[string]int) {
		s := Setting{Enabled: true, Default: "red", Rollout: map[string]int{"green": green, "blue": blue}}
		all, counts = map[string]string{}, map[string]int{}
		for i := range customers {
			customer := fmt.Sprintf("cus_%d", i)
			all[customer], _ = colors.decide(s, customer)
			counts[all[customer]]++
		}
		return all, counts
	}
	t.Run("each variant gets its share, within half a percent", func(t *testing.T) {
		_, counts := share(10, 25)
		require.InDelta(t, .10, float64(counts["green"])/customers, .005)
		require.InDelta(t, .25, float64(counts["blue"])/customers, .005)
	})
	t.Run("who is in a share stays in it while it grows", func(t *testing.T) {
		before, _ := share(10, 0)
		after, _ := share(35, 0)
		for customer, variant := range before {
			if variant == "green" {
				require.Equal(t, "green", after[customer])
			}
		}
	})
	t.Run("another flag shares out otherwise", func(t *testing.T) {
		same := 0
		for i := range customers {
			customer := fmt.Sprintf("cus_%d", i)
			if percentile("color", customer) < 10 && percentile("shape", customer) < 10 {
				same++
			}
		}
		require.InDelta(t, .01, float64(same)/customers, .003)
	})
	t.Run("a customer stands where they always stood", func(t *testing.T) { // in every release: others would see the flag change
		require.Equal(t, []int{51, 98, 96}, []int{percentile("color", "cus_1"), percentile("risk-mode", "cus_1"), percentile("risk-mode", "ada@shop.example")})
	})
}

func TestDeclare(t *testing.T) {
	keys := map[string]bool{}
	for _, f := range Declare("shadow") {
		require.Regexp(t, `^[a-z]+(-[a-z]+)*$`, f.Key)
		require.False(t, keys[f.Key], f.Key)
		keys[f.Key] = true
		require.NotEmpty(t, f.Description)
		require.Greater(t, len(f.Variants), 1)
		require.Contains(t, f.Variants, f.Default)
		require.Contains(t, f.Variants, f.Killed)
		require.Contains(t, f.Description, "Killed", "what the kill switch does stands in the description")
	}
}
