import Collab

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// How engines behave when they are not alone: two that write at once, and one that has nothing to do.
enum SharedCores {
    /// Two models write at the same time. Each figure is a model's rate over half its rate alone: 1 is fair and free.
    static func together(_ first: EngineRunner, _ second: EngineRunner) async throws -> [String: Double] {
        var shares: [[Double]] = [[], []]
        for _ in 0..<5 {
            let alone = [try await rate(first), try await rate(second)]
            async let one = rate(first)
            async let other = rate(second)
            let together = try await [one, other]
            for index in 0..<2 { shares[index].append(together[index] / (alone[index] / 2)) }
        }
        return ["of half speed, first": median(shares[0]), "of half speed, second": median(shares[1])]
    }

    private static func rate(_ runner: EngineRunner) async throws -> Double {
        try await runner.rate(until: .now + .milliseconds(600))
    }

    /// The share of one processor that the process takes while its models wait for work.
    static func idleShare() async throws -> Double {
        try await Task.sleep(for: .milliseconds(200))
        let before = processorSeconds()
        let start = ContinuousClock.now
        try await Task.sleep(for: .seconds(1))
        return (processorSeconds() - before) / seconds(since: start)
    }

    private static func processorSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}

func median(_ values: [Double]) -> Double {
    values.isEmpty ? .nan : values.sorted()[values.count / 2]
}
