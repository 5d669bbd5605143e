import ArgumentParser
import CAllocationCount
import Collab
import Foundation

/// What a call costs beside the model's own work: time and allocations, with models that answer at once.
struct OrchestrationSuite: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "orchestration",
        abstract: "Measure what a call costs beside the model: time and allocations."
    )

    @Option(help: "Rounds of each flow; the median is reported.")
    var rounds = 7

    @Option(help: "Answers of a flow in a round.")
    var answers = 2000

    @Option(help: "A Python with langgraph, to measure the same flows beside.")
    var peerPython: String?

    @Option(help: "Microseconds a call that no flow may exceed.")
    var bar = 20.0

    @Option(help: "How far the allocations a call of two rounds may be apart.")
    var allocationSpread = 2.0

    func validate() throws {
        guard rounds > 0, answers > 0 else {
            throw ValidationError("--rounds and --answers must be at least 1.")
        }
    }

    func run() async throws {
        print("flow        calls   µs a call   allocations a call   langgraph µs a call")
        var exceeding: [String] = []
        var varying: [String] = []
        for flow in OrchestrationFlow.allCases {
            var (times, theirs): ([Double], [Double]) = ([], [])
            var allocations: [Double] = []
            var calls = 0
            for _ in 0..<rounds {
                let round = try await measure(flow)
                times.append(round.microseconds)
                allocations.append(round.allocations)
                calls = round.calls
                if let peerPython { theirs.append(try peer(peerPython, flow)) }
            }
            let time = times.sorted()[times.count / 2]
            if time > bar { exceeding.append(flow.rawValue) }
            allocations.sort()
            if allocations[allocations.count - 1] - allocations[0] > allocationSpread {
                varying.append(flow.rawValue)
            }
            let peer = theirs.isEmpty ? "–" : String(format: "%.1f", theirs.sorted()[theirs.count / 2])
            let name = flow.rawValue.padding(toLength: 10, withPad: " ", startingAt: 0)
            let middle = allocations[allocations.count / 2]
            print(name, String(format: "%6d %11.2f %20.2f", calls, time, middle), peer, separator: "  ")
        }
        if !exceeding.isEmpty { print("Above \(bar) µs a call: \(exceeding.joined(separator: ", "))") }
        if !varying.isEmpty {
            print(
                "Rounds more than \(allocationSpread) allocations apart: \(varying.joined(separator: ", "))"
            )
        }
        guard exceeding.isEmpty, varying.isEmpty else { throw ExitCode.failure }
    }

    /// One round: microseconds and allocations a call, and how many calls an answer takes.
    private func measure(
        _ flow: OrchestrationFlow
    ) async throws -> (microseconds: Double, allocations: Double, calls: Int) {
        let model = flow.model
        let request = Request("What is 17 + 25?")
        let calls = try await model.respond(to: request).usage.calls
        for _ in 0..<answers / 10 { _ = try await model.respond(to: request) }
        let (count, start) = (allocation_count(), ContinuousClock.now)
        for _ in 0..<answers { _ = try await model.respond(to: request) }
        let (end, after) = (ContinuousClock.now, allocation_count())
        let total = Double(answers * calls)
        return ((end - start) / .microseconds(1) / total, Double(after - count) / total, calls)
    }

    /// Microseconds a call that LangGraph needs for the same flow.
    private func peer(_ python: String, _ flow: OrchestrationFlow) throws -> Double {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: python)
        process.arguments = [
            "-B", PeerProcess.script("langgraph_rates.py"), flow.rawValue, "\(answers / 10)",
        ]
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard let rate = Double(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw ValidationError("The peer answered “\(text)”; does its python have langgraph?")
        }
        return rate
    }
}
