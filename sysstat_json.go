package bbb

import (
	"encoding/json"
	"time"
)

// sysStatJSON is a SysStat with durations as Go writes them. It names the fields of
// SysStat, since a type that embeds that would have the methods of Sample.
type sysStatJSON struct {
	Host       string    `json:"host"`
	System     string    `json:"system"`
	Release    string    `json:"release"`
	Machine    string    `json:"machine"`
	CPUs       int       `json:"cpus"`
	Source     Source    `json:"source"`
	Problem    string    `json:"problem,omitempty"`
	Collected  time.Time `json:"collected"`
	ClockAhead string    `json:"clockAhead"`
	sampleJSON
	Live *Sample `json:"live,omitempty"`
}

type sampleJSON struct {
	*plainSample
	Interval string `json:"interval"`
}

// plainSample is Sample without its methods.
type plainSample Sample

// MarshalJSON writes durations as Go does, such as "1m0s", and the fields of Sample
// beside the others. Err is not written, but Problem is.
func (r SysStat) MarshalJSON() ([]byte, error) {
	return json.Marshal(sysStatJSON{
		Host: r.Host, System: r.System, Release: r.Release, Machine: r.Machine, CPUs: r.CPUs,
		Source: r.Source, Problem: r.Problem, Collected: r.Collected, ClockAhead: r.ClockAhead.String(),
		sampleJSON: r.json(), Live: r.Live,
	})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (r *SysStat) UnmarshalJSON(text []byte) (err error) {
	out := SysStat{}
	in := sysStatJSON{sampleJSON: out.json()}
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	out.Host, out.System, out.Release, out.Machine, out.CPUs = in.Host, in.System, in.Release, in.Machine, in.CPUs
	out.Source, out.Problem, out.Collected, out.Live = in.Source, in.Problem, in.Collected, in.Live
	if out.ClockAhead, err = parseDuration(in.ClockAhead); err != nil {
		return err
	}
	if out.Interval, err = parseDuration(in.Interval); err != nil {
		return err
	}
	*r = out
	return nil
}

// MarshalJSON writes the interval as Go writes durations, such as "1m0s".
func (s Sample) MarshalJSON() ([]byte, error) { return json.Marshal(s.json()) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *Sample) UnmarshalJSON(text []byte) (err error) {
	out := Sample{}
	in := out.json()
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	if out.Interval, err = parseDuration(in.Interval); err != nil {
		return err
	}
	*s = out
	return nil
}

// json returns the sample as JSON has it. It shares the fields.
func (s *Sample) json() sampleJSON {
	return sampleJSON{plainSample: (*plainSample)(s), Interval: s.Interval.String()}
}

func parseDuration(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	return time.ParseDuration(text)
}
