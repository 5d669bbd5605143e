import ArgumentParser
import Collab
import CollabBackends
import Foundation

/// Many streams at once against one server on loopback, beside the official Python client.
struct StreamsSuite: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "streams",
        abstract: "Hold thousands of streaming requests open at once.",
        discussion: """
            The server is a small Python program on the same machine that waits between tokens. It is the slower side, so \
            what counts is the processor time and the memory that the client needs for a request, not the time on the \
            clock.
            """
    )

    @Option(help: "How many streams are open at once, one measurement each.")
    var streams: [Int] = [2000, 5000, 10_000]

    @Option(help: "Milliseconds between two of the fifteen tokens of an answer.")
    var tokenMilliseconds = 1000

    @Option(help: "The most seconds that a measurement may take.")
    var deadline = 180

    @Option(help: "A python with the package openai, to measure beside.")
    var peerPython: String?

    @Option(help: "How many streams the peer opens at once, one measurement each.")
    var peerStreams: [Int] = [2000, 10_000]

    @Flag(help: "Print one JSON object instead of lines.")
    var json = false

    func validate() throws {
        guard (streams + peerStreams).allSatisfy({ (1...100_000).contains($0) }) else {
            throw ValidationError("The number of streams must be 1 to 100000.")
        }
        guard (1...3600).contains(deadline), (0...60_000).contains(tokenMilliseconds) else {
            throw ValidationError("--deadline must be 1 to 3600 s, --token-milliseconds at most 60000.")
        }
    }

    func run() async throws {
        var report = Report(suite: "streams")
        report.machine["open files"] = String(ProcessUsage.raiseFileLimit())
        report.printHeader(json: json)
        // The first use of everything is not what is measured.
        _ = try await measure(50)
        var ours: [Int: Double] = [:]
        for count in streams {
            let measurement = try await measure(count)
            ours[count] = measurement.figures["ms of processor a request"]
            report.add(measurement, json: json)
        }
        if let peerPython {
            for count in peerStreams {
                var measurement = try peer(peerPython, count)
                if let own = ours[count] ?? ours.values.max(),
                    let theirs = measurement.figures["ms of processor a request"]
                {
                    measurement.figures["× ours"] = theirs / own
                }
                report.add(measurement, json: json)
            }
        }
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            print(String(decoding: try encoder.encode(report), as: UTF8.self))
        }
    }

    private func measure(_ count: Int) async throws -> Measurement {
        let server = try FaultServerProcess()
        var settings = RemoteSettings()
        settings.transport = try Transport(TransportSettings(proxy: .none, maximumTransfers: count))
        settings.timeouts = Timeouts(connect: .seconds(120), firstByte: .seconds(120))
        let faults = count > 50 ? "token_ms=\(tokenMilliseconds)" : "ok"
        let model = try RemoteModel("m", at: server.base(faults, id: "s"), settings: settings)
        let budget = Budget.duration(.seconds(deadline))
        let (memory, processor, start) = (
            ProcessUsage.residentBytes, ProcessUsage.processorSeconds, ContinuousClock.now
        )
        let watcher = Task { () -> Int in
            var peak = 0
            while !Task.isCancelled {
                peak = max(peak, ProcessUsage.residentBytes)
                try? await Task.sleep(for: .milliseconds(200))
            }
            return peak
        }
        let outcomes = await Self.outcomes(model, count, budget)
        watcher.cancel()
        let peak = await watcher.value
        let seconds = seconds(since: start)
        let used = ProcessUsage.processorSeconds - processor
        let most = try server.statistics("s")["max_in_flight"] as? Int ?? 0
        var figures: [String: Double] = [
            "answered": Double(outcomes["answered"] ?? 0),
            "failed": Double(outcomes.filter { $0.key != "answered" }.values.reduce(0, +)),
            "open at once": Double(most),
            "s": seconds,
            "ms of processor a request": used * 1000 / Double(count),
            "KiB a stream": Double(max(peak - memory, 0)) / 1024 / Double(count),
        ]
        if let processor = server.processorSeconds {
            figures["ms of the server's processor a request"] = processor * 1000 / Double(count)
        }
        for (code, failures) in outcomes where code != "answered" { figures[code] = Double(failures) }
        return Measurement(name: "\(count) streams", figures: figures)
    }

    /// Opens all streams, reads them to their ends, and counts how they ended.
    private static func outcomes(_ model: RemoteModel, _ count: Int, _ budget: Budget) async -> [String: Int]
    {
        await withTaskGroup(of: String.self) { group in
            for _ in 0..<count {
                group.addTask {
                    do throws(CollabError) {
                        var text = ""
                        for try await piece in model.stream("hi", in: Run(budget: budget)).text {
                            text += piece
                        }
                        return text.hasSuffix("東京 tea.") ? "answered" : "wrong text"
                    } catch {
                        return "\(error.code)"
                    }
                }
            }
            var outcomes: [String: Int] = [:]
            for await outcome in group { outcomes[outcome, default: 0] += 1 }
            return outcomes
        }
    }

    private func peer(_ python: String, _ count: Int) throws -> Measurement {
        let server = try FaultServerProcess()
        let base = server.base("token_ms=\(tokenMilliseconds)", id: "s")
        let figures = try PeerScript(python: python, "openai_streams.py").run([
            base, String(count), String(deadline),
        ])
        guard var first = figures.first as? [String: Double] else {
            throw ValidationError("The peer measured nothing; does its python have the package openai?")
        }
        first["open at once"] = (try server.statistics("s")["max_in_flight"] as? Int).map { Double($0) }
        if let processor = server.processorSeconds {
            first["ms of the server's processor a request"] = processor * 1000 / Double(count)
        }
        return Measurement(name: "\(count) streams, openai for Python", figures: first)
    }
}
