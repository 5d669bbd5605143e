import ArgumentParser
import Collab
import CollabBackends
import CollabMerging
import Foundation

/// Measures what a merge has kept of its parents, and fails if it has lost too much.
struct CheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Compares a merge with its parents on held-out text of each domain.",
        discussion: """
            Prints bits a byte of every model on every domain. Exits with 2 if a domain needs more than the allowed \
            share above what its best parent needs.
            """
    )

    @Argument(
        help: "The merge: a folder, a GGUF file, or a configuration (.yml), which is then computed in memory."
    )
    var merge: String

    @Option(help: "A parent, or any other model to compare with; give it once for each.")
    var parent: [String] = []

    @Option(help: "A domain and its text, NAME=FILE; give it once for each.")
    var domain: [String]

    @Option(help: "By which share a domain may get worse, for example 0.02.")
    var allow: Double?

    @Option(help: "Write all figures, passage by passage, as JSON.")
    var json: String?

    func validate() throws {
        if domain.isEmpty { throw ValidationError("Give at least one --domain NAME=FILE.") }
        if let odd = domain.first(where: { !$0.dropFirst().contains("=") }) {
            throw ValidationError("A domain is written NAME=FILE, not “\(odd)”.")
        }
        if let allow, !(allow >= 0) { throw ValidationError("--allow is a share of 0 or more.") }
        if parent.isEmpty, !isConfiguration { throw ValidationError("Name the parents with --parent.") }
    }

    func run() async throws {
        let report: RetentionReport
        do throws(CollabError) {
            let table = try json.map { (path) throws(CollabError) in try ReportFile(path) }
            report = try await measure()
            print(report)
            if let table {
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
                try table.write(Array((try? encoder.encode(report)) ?? Data()))
            }
        } catch {
            Terminal.fail(error)
            throw ExitCode(1)
        }
        guard let allow else { return }
        let failures = report.failures(allowing: allow)
        if failures.isEmpty { return }
        Terminal.complain(
            "merge: more than \(allow * 100) % lost in \(failures.map(\.name).joined(separator: ", "))"
        )
        throw ExitCode(2)
    }

    private var isConfiguration: Bool { merge.hasSuffix(".yml") || merge.hasSuffix(".yaml") }

    private func measure() async throws(CollabError) -> RetentionReport {
        var domains: [DomainText] = []
        for entry in domain {
            let parts = entry.split(separator: "=", maxSplits: 1)
            domains.append(try DomainText(String(parts[0]), contentsOf: String(parts[1])))
        }
        var parents: [any Checkpoint] = []
        for path in parent { parents.append(try Self.open(path)) }
        let merged: any Checkpoint
        if isConfiguration {
            guard let plan = try MergeFile(path: merge).stages.last?.plan else {
                throw CollabError(.malformedFile, "\(merge) holds no merge.")
            }
            if parents.isEmpty { parents = plan.inputs }
            merged = plan.result
        } else {
            merged = try Self.open(merge)
        }
        let (models, texts) = (parents, domains)
        return try await Interruption.stopping { () async throws(CollabError) in
            try await RetentionReport(of: merged, parents: models, domains: texts) { model, domain in
                Terminal.complain("scoring \(domain) with \(model)")
            }
        }
    }

    static func open(_ path: String) throws(CollabError) -> any Checkpoint {
        path.hasSuffix(".gguf")
            ? try GGUFCheckpoint(path: path, name: nil) : try SafetensorsCheckpoint(path: path, name: nil)
    }
}
