// Package figures tells what Go's runtime knows about its own memory, as every peer of the lab that has a runtime does on
// GET /lab. Reading it stops the world for a moment, and costs allocations that are part of the next reading.
package figures

import (
	"encoding/json"
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// What the runtime keeps of single pauses: the last so many (runtime.MemStats.PauseNs).
const kept = 256

const pauses = "/sched/pauses/total/gc:seconds"

type figures struct {
	Allocations   uint64  `json:"allocations"`
	Frees         uint64  `json:"frees"`
	HeapBytes     uint64  `json:"heap_bytes"`
	StackBytes    uint64  `json:"stack_bytes"`
	SystemBytes   uint64  `json:"system_bytes"`
	ReleasedBytes uint64  `json:"released_bytes"`
	Goroutines    int     `json:"goroutines"`
	GCCount       uint32  `json:"gc_count"`
	GCPauseMaxS   float64 `json:"gc_pause_max_s"`
	GCPauseTotalS float64 `json:"gc_pause_total_s"`
	GCPauseMaxIs  string  `json:"gc_pause_max_is"`
	Source        string  `json:"source"`
}

// longest is the longest pause since the start. The runtime knows the last 256 exactly; of earlier ones it knows the
// bucket of a histogram, of which the upper end is told.
func longest(count uint32) (float64, string) {
	var stats debug.GCStats
	debug.ReadGCStats(&stats)
	longest := 0.0
	for _, pause := range stats.Pause {
		longest = math.Max(longest, pause.Seconds())
	}
	if count <= kept {
		return longest, "exact"
	}
	sample := []metrics.Sample{{Name: pauses}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindFloat64Histogram {
		return longest, "of the last 256 collections"
	}
	histogram := sample[0].Value.Float64Histogram()
	for i := len(histogram.Counts) - 1; i >= 0; i-- {
		if histogram.Counts[i] > 0 {
			if upper := histogram.Buckets[i+1]; !math.IsInf(upper, 1) {
				longest = upper
			}
			break
		}
	}
	return longest, "upper end of the histogram's last bucket"
}

// JSON is the answer to GET /lab.
func JSON() []byte {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	max, is := longest(m.NumGC)
	text, err := json.Marshal(figures{
		Allocations: m.Mallocs, Frees: m.Frees, HeapBytes: m.HeapAlloc, StackBytes: m.StackInuse, SystemBytes: m.Sys,
		ReleasedBytes: m.HeapReleased, Goroutines: runtime.NumGoroutine(), GCCount: m.NumGC, GCPauseMaxS: max,
		GCPauseTotalS: float64(m.PauseTotalNs) / 1e9, GCPauseMaxIs: is,
		Source: "runtime.MemStats (Mallocs, Frees, HeapAlloc), debug.GCStats and " + pauses,
	})
	if err != nil {
		panic(err)
	}
	return text
}
