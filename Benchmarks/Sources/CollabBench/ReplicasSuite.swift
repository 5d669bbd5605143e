import ArgumentParser
import Collab
import CollabBackends
import Foundation

/// How the calls a second grow with the number of servers behind one model.
struct ReplicasSuite: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replicas",
        abstract: "Measure how replicas of a model scale over server processes.",
        discussion: """
            Each server is a process on this machine that waits instead of computing, as an accelerator of its own would \
            look from here, and takes four calls at a time. What is measured is therefore the balancing, not a model: \
            real models on the cores of one machine would share them. With --address, servers that already run are \
            measured instead: first the first of them, then the first two, and so on.
            """
    )

    @Option(help: "Numbers of servers.")
    var servers: [Int] = [1, 2, 4, 8]

    @Option(
        help: "The base address of a server that runs already, such as http://127.0.0.1:8000/v1; repeat it."
    )
    var address: [String] = []

    @Option(help: "The name of the model on those servers.")
    var model = "smollm2"

    @Option(help: "Tokens of an answer of those servers.")
    var tokens = 15

    @Option(help: "Calls a server that are made.")
    var calls = 60

    @Option(help: "Milliseconds between two of the fifteen tokens of an answer.")
    var tokenMilliseconds = 20

    @Option(help: "Rounds, of which the median is taken.")
    var rounds = 3

    @Flag(help: "Stop one of the servers in the middle of each measurement.")
    var killingOne = false

    @Flag(help: "Print one JSON object instead of lines.")
    var json = false

    func validate() throws {
        guard servers.allSatisfy({ (1...64).contains($0) }), (1...10_000).contains(calls), rounds > 0 else {
            throw ValidationError(
                "There must be 1 to 64 servers, 1 to 10000 calls each, and a round at least."
            )
        }
        guard address.isEmpty || (!killingOne && (1...1000).contains(tokens)) else {
            throw ValidationError("Servers that run already are not killed, and write 1 to 1000 tokens.")
        }
        guard !killingOne || servers.allSatisfy({ $0 > 1 }) else {
            throw ValidationError("--killing-one needs two servers at least.")
        }
    }

    private static let slots = 4

    func run() async throws {
        var report = Report(suite: "replicas")
        report.printHeader(json: json)
        var single: Double?
        let counts = address.isEmpty ? servers : Array(1...address.count)
        for count in counts {
            var rates: [Double] = []
            var failed = 0
            for _ in 0..<rounds {
                let round = try await measure(count)
                rates.append(round.rate)
                failed += round.failed
            }
            let rate = rates.sorted()[rates.count / 2]
            if count == counts[0] { single = rate / Double(count) }
            var figures = ["calls/s": rate, "failed": Double(failed)]
            if let single { figures["× one server"] = rate / single }
            report.add(
                Measurement(
                    name: "\(count) server\(count == 1 ? "" : "s")\(killingOne ? ", one of which dies" : "")",
                    conditions: [
                        "calls": String(calls * count), "at a time": String(2 * Self.slots * count),
                    ],
                    figures: figures
                ),
                json: json
            )
        }
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            print(String(decoding: try encoder.encode(report), as: UTF8.self))
        }
    }

    private func measure(_ count: Int) async throws -> (rate: Double, failed: Int) {
        let fleet = try (0..<(address.isEmpty ? count : 0)).map { _ in try FaultServerProcess() }
        let bases =
            address.isEmpty
            ? fleet.map { $0.base("token_ms=\(tokenMilliseconds)", id: "r") } : Array(address.prefix(count))
        var members: [any TextModel] = []
        for base in bases {
            let name = address.isEmpty ? "m" : self.model
            members.append(try RemoteModel(name, at: base).limited(to: Self.slots))
        }
        let replicas = Replicas("m", choosing: .leastBusy) { members }
        let all = calls * count
        let killing = killingOne
        let model = replicas.limited(to: 2 * Self.slots * count)
        let options = GenerationOptions(maximumTokens: address.isEmpty ? nil : tokens)
        let start = ContinuousClock.now
        let failed = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<all {
                // Numbered, so that nobody answers from what it has computed before.
                let request = Request("\(number): say hi", options: options)
                group.addTask { (try? await model.respond(to: request)) == nil }
            }
            var (ended, failed) = (0, 0)
            for await hasFailed in group {
                ended += 1
                if hasFailed { failed += 1 }
                if killing, ended == all / 3 { fleet[0].kill() }
            }
            return failed
        }
        return (Double(all) / seconds(since: start), failed)
    }
}
