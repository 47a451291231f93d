package config

import (
	"errors"
	"fmt"
	"os"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// Source is where the settings of a process come from. They can be read from it again and again.
type Source struct {
	flags *pflag.FlagSet
	dirs  []string // where the file is looked for
}

// NewSource gives the source of a process. Flags may be nil; flags of a set that AddFlags did not make
// are not looked at.
func NewSource(flags *pflag.FlagSet) Source {
	return Source{flags: flags, dirs: []string{".", homeDir(), "/etc/orderprocessing"}}
}

// File is the config file, or empty if there is none.
func (s Source) File() (string, error) { return findFile(explicitFile(s.flags), s.dirs) }

// Load reads the settings: the defaults, under the file, under the environment, under the flags that
// were set. No file is fine, unless one was named. References to secrets are left as they are: see
// Config.Resolve. The error, if any, tells everything that is wrong; Problems lists it.
func (s Source) Load() (Config, error) {
	v, err := s.layers()
	if err != nil {
		return Config{}, err
	}
	path, err := s.File()
	if err != nil {
		return Config{}, err
	}
	problems := unknownEnvironment(os.Environ())
	lines := map[string]int{}
	if path != "" {
		settings, wrong := readFile(path, lines)
		problems = append(problems, wrong...)
		if err := v.MergeConfigMap(settings); err != nil {
			return Config{}, fmt.Errorf("%s: %w", path, err)
		}
	}
	var c Config
	hooks := mapstructure.ComposeDecodeHookFunc(unitHook, mapstructure.StringToTimeDurationHookFunc(), splitHook)
	var wrong []error
	if err := v.Unmarshal(&c, viper.DecodeHook(hooks)); err != nil {
		wrong = undecodable(err)
	} else {
		wrong = c.problems().found
	}
	for _, err := range wrong {
		var p Problem
		if errors.As(err, &p) {
			p.Where = s.where(withoutIndex(p.Key), path, lines)
			err = p
		}
		problems = append(problems, err)
	}
	if err := errors.Join(problems...); err != nil {
		return Config{}, err
	}
	return c, nil
}

// layers gives all but the file.
func (s Source) layers() (*viper.Viper, error) {
	v := viper.New()
	for _, key := range Keys() {
		v.SetDefault(key.Name, key.value)
		if err := v.BindEnv(key.Name, key.Env); err != nil {
			return nil, fmt.Errorf("bind %s: %w", key.Env, err)
		}
		if s.flagged(key.Name) {
			v.Set(key.Name, s.flags.Lookup(key.Name).Value.String())
		}
	}
	return v, nil
}

func (s Source) flagged(key string) bool {
	if s.flags == nil {
		return false
	}
	flag := s.flags.Lookup(key)
	return flag != nil && flag.Changed
}

// where tells who set a key.
func (s Source) where(key, path string, lines map[string]int) string {
	if s.flagged(key) {
		return "--" + key
	}
	if os.Getenv(envName(key)) != "" {
		return envName(key)
	}
	if line := lines[key]; line > 0 {
		return fmt.Sprintf("%s:%d", path, line)
	}
	return ""
}
