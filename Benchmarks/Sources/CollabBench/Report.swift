import CollabKernels

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Repeated timings of one thing.
struct Timing {
    /// Seconds of each round, ascending.
    var seconds: [Double]

    var median: Double { seconds[seconds.count / 2] }
    var best: Double { seconds[0] }

    /// Runs the body once to warm up, if asked, and then `rounds` times.
    init(rounds: Int, warm: Bool = true, _ body: () throws -> Void) rethrows {
        if warm { try body() }
        seconds = try (0..<max(rounds, 1)).map { _ in
            let start = ContinuousClock.now
            try body()
            let elapsed = (ContinuousClock.now - start).components
            return Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
        }
        seconds.sort()
    }
}

/// One line of a benchmark: what was measured, how, and its figures.
struct Measurement: Encodable {
    /// What was measured: "smollm2 decode".
    var name: String
    /// Under which conditions: threads, batch size.
    var conditions: [String: String] = [:]
    /// The figures with their units as keys: "GB/s".
    var figures: [String: Double]
}

/// All measurements of a suite with the machine they were taken on.
struct Report: Encodable {
    var suite: String
    var machine: [String: String]
    var measurements: [Measurement] = []

    init(suite: String) {
        self.suite = suite
        machine = [
            "physical cores": String(WorkerPool.physicalCores),
            "kernels": KernelLevel.best.rawValue,
            "BLAS": BLAS.description,
            "processor": Self.processor,
        ]
    }

    /// The processor's name as the system gives it.
    private static var processor: String {
        #if os(Linux)
            guard let file = fopen("/proc/cpuinfo", "r") else { return "unknown" }
            defer { fclose(file) }
            var line = [CChar](repeating: 0, count: 512)
            var words: [String: String] = [:]
            while fgets(&line, Int32(line.count), file) != nil, words.count < 64 {
                let text = String(
                    decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) },
                    as: UTF8.self
                )
                let parts = text.split(separator: ":", maxSplits: 1).map {
                    $0.filter { $0 != "\t" && $0 != "\n" }
                }
                if parts.count == 2, words[parts[0]] == nil { words[parts[0]] = parts[1] }
            }
            func value(_ key: String) -> String { words[key].map { String($0.drop { $0 == " " }) } ?? "?" }
            return "\(value("model name")), family \(value("cpu family")), model \(value("model"))"
        #else
            var size = 0
            sysctlbyname("machdep.cpu.brand_string", nil, &size, nil, 0)
            var name = [CChar](repeating: 0, count: max(size, 1))
            sysctlbyname("machdep.cpu.brand_string", &name, &size, nil, 0)
            return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        #endif
    }

    /// Adds a measurement; without JSON it is printed at once.
    mutating func add(_ measurement: Measurement, json: Bool) {
        measurements.append(measurement)
        guard !json else { return }
        let conditions = measurement.conditions.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        let figures = measurement.figures.sorted { $0.key < $1.key }.map {
            "\(Self.format($0.value)) \($0.key)"
        }
        print(
            "\(measurement.name)  [\(conditions.joined(separator: ", "))]  \(figures.joined(separator: ", "))"
        )
        // Whoever reads a pipe wants the line now.
        fflush(nil)
    }

    /// Prints the machine: the first lines of every report.
    func printHeader(json: Bool) {
        guard !json else { return }
        for (key, value) in machine.sorted(by: { $0.key < $1.key }) { print("\(key): \(value)") }
    }

    /// Four significant digits.
    static func format(_ value: Double) -> String {
        guard value != 0, value.isFinite else { return String(value) }
        let digits = max(0, 3 - Int(log10(abs(value)).rounded(.down)))
        let scale = pow(10, Double(digits))
        let rounded = (value * scale).rounded() / scale
        return digits == 0 ? String(Int(rounded)) : String(rounded)
    }
}
