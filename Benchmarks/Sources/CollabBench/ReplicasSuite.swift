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
            real models on the cores of one machine would share them.
            """
    )

    @Option(help: "Numbers of servers.")
    var servers: [Int] = [1, 2, 4, 8]

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
        guard !killingOne || servers.allSatisfy({ $0 > 1 }) else {
            throw ValidationError("--killing-one needs two servers at least.")
        }
    }

    private static let slots = 4

    func run() async throws {
        var report = Report(suite: "replicas")
        report.printHeader(json: json)
        var single: Double?
        for count in servers {
            var rates: [Double] = []
            var failed = 0
            for _ in 0..<rounds {
                let round = try await measure(count)
                rates.append(round.rate)
                failed += round.failed
            }
            let rate = rates.sorted()[rates.count / 2]
            if count == servers[0] { single = rate / Double(count) }
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
        let fleet = try (0..<count).map { _ in try FaultServerProcess() }
        var members: [any TextModel] = []
        for server in fleet {
            let base = server.base("token_ms=\(tokenMilliseconds)", id: "r")
            members.append(try RemoteModel("m", at: base).limited(to: Self.slots))
        }
        let replicas = Replicas("m", choosing: .leastBusy) { members }
        let all = calls * count
        let killing = killingOne
        let model = replicas.limited(to: 2 * Self.slots * count)
        let start = ContinuousClock.now
        let failed = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<all {
                group.addTask { (try? await model.respond(to: "hi")) == nil }
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
