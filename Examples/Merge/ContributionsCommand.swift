import ArgumentParser
import Collab
import CollabBackends
import CollabMerging
import Foundation

/// Measures what each part of a merge contributes to every domain.
struct ContributionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "contributions",
        abstract: "Puts one part of a merge after another back to the base, and scores held-out text.",
        discussion: """
            Prints how many bits a byte each domain needs more without each part. There are as many models to run as \
            parts, each of them in memory.
            """
    )

    @Argument(
        help: "The merge: a folder, a GGUF file, or a configuration (.yml), which is then computed in memory."
    )
    var merge: String

    @Option(help: "The base; that of the configuration if left out.")
    var base: String?

    @Option(help: "A domain and its text, NAME=FILE; give it once for each.")
    var domain: [String]

    @Option(help: "What counts as a part: layer, block or module.")
    var by = "block"

    @Option(
        help: "Write a drawing of each domain to this file, whose name gets the domain's before its ending."
    )
    var svg: String?

    @Option(help: "Write all figures, passage by passage, as JSON.")
    var json: String?

    func validate() throws {
        if domain.isEmpty { throw ValidationError("Give at least one --domain NAME=FILE.") }
        if let odd = domain.first(where: { !$0.dropFirst().contains("=") }) {
            throw ValidationError("A domain is written NAME=FILE, not “\(odd)”.")
        }
        if ContributionReport.Grain(rawValue: by) == nil {
            throw ValidationError("A part is a layer, a block or a module, not a “\(by)”.")
        }
        if base == nil, !isConfiguration { throw ValidationError("Name the base with --base.") }
    }

    func run() async throws {
        do throws(CollabError) { try await report() } catch {
            Terminal.fail(error)
            throw ExitCode(1)
        }
    }

    private func report() async throws(CollabError) {
        let table = try json.map { (path) throws(CollabError) in try ReportFile(path) }
        let drawing = try svg.map { (path) throws(CollabError) in try ReportFile(path) }
        let report = try await measure()
        print(report)
        if let table {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
            try table.write(Array((try? encoder.encode(report)) ?? Data()))
        }
        guard let drawing else { return }
        for (index, domain) in report.domains.enumerated() {
            let map = Array(report.heatMap(of: index).utf8)
            if report.domains.count == 1 {
                try drawing.write(map)
            } else {
                try drawing.write(map, marked: domain.name)
            }
        }
    }

    private var isConfiguration: Bool { merge.hasSuffix(".yml") || merge.hasSuffix(".yaml") }

    private func measure() async throws(CollabError) -> ContributionReport {
        var domains: [DomainText] = []
        for entry in domain {
            let parts = entry.split(separator: "=", maxSplits: 1)
            domains.append(try DomainText(String(parts[0]), contentsOf: String(parts[1])))
        }
        let merged: any Checkpoint
        var start = try base.map { (path) throws(CollabError) in try CheckCommand.open(path) }
        if isConfiguration {
            guard let plan = try MergeFile(path: merge).stages.last?.plan else {
                throw CollabError(.malformedFile, "\(merge) holds no merge.")
            }
            merged = plan.result
            start = start ?? plan.donor
        } else {
            merged = try CheckCommand.open(merge)
        }
        guard let start else { throw CollabError(.invalidRequest, "Name the base with --base.") }
        let (texts, grain) = (domains, ContributionReport.Grain(rawValue: by) ?? .block)
        return try await Interruption.stopping { () async throws(CollabError) in
            try await ContributionReport(of: merged, over: start, by: grain, domains: texts) {
                scored,
                total in
                Terminal.complain("scored \(scored) of \(total) models")
            }
        }
    }
}
