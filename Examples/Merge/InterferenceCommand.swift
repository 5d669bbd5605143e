import ArgumentParser
import Collab
import CollabMerging
import Foundation

/// Measures how much the members of a configuration stand in one another's way.
struct InterferenceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "interference",
        abstract:
            "Measures conflicts between the task vectors of a configuration, before anything is merged.",
        discussion: """
            Prints the members' lengths, angles and expected disturbance, and the modules with the most change lost \
            when all are added up. Reads the weights of all models once. Task vectors are measured from the \
            configuration's base_model, or from --base.
            """
    )

    @Argument(help: "The configuration.")
    var configuration: String

    @Option(
        help: """
            What task vectors are measured from, as PATH or PATH+ADAPTER; the configuration's base_model if left out.
            """
    )
    var base: String?

    @Option(help: "Write all figures, tensor by tensor, as JSON.")
    var json: String?

    @Option(help: "Draw layers and modules as an SVG.")
    var svg: String?

    @Option(
        help:
            "What the drawing shows: \(InterferenceReport.Measure.allCases.map(\.rawValue).joined(separator: ", "))."
    )
    var measure = "cancellation"

    @Option(
        help: "Also measure how much the first so many singular directions of the task vectors overlap; slow."
    )
    var rank: Int?

    @Option(help: "How many tensors are read at a time; one a physical core if left out.")
    var threads: Int?

    func validate() throws {
        if InterferenceReport.Measure(rawValue: measure) == nil {
            throw ValidationError("There is no measure “\(measure)”.")
        }
        if let base, ModelReference(base) == nil { throw ValidationError("“\(base)” names no model.") }
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
        let file = try MergeFile(path: configuration)
        let reference = base.flatMap { ModelReference($0) }
        for (index, stage) in file.stages.enumerated() {
            let plan = stage.plan
            let report = try await Interruption.stopping { () async throws(CollabError) in
                try await plan.interference(from: reference, rank: rank, threads: threads)
            }
            print(index > 0 ? "\n\(report)" : "\(report)")
            // Of several documents each gets files of its own.
            let mark = file.stages.count > 1 ? plan.document.name ?? "\(index + 1)" : nil
            if let table {
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
                try write((try? encoder.encode(report)) ?? Data(), to: table, mark)
            }
            if let drawing {
                let map = report.heatMap(of: .init(rawValue: measure) ?? .cancellation)
                try write(Data(map.utf8), to: drawing, mark)
            }
        }
    }

    private func write(_ data: Data, to file: ReportFile, _ mark: String?) throws(CollabError) {
        if let mark { try file.write(Array(data), marked: mark) } else { try file.write(Array(data)) }
    }
}
