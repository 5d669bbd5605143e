import ArgumentParser
import Collab
import CollabBackends
import ExperimentSupport
import Foundation

/// Merges two experts by several methods, learns a merge, and measures what of both skills is kept.
@main
struct ExperimentSkills: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "experiment-skills",
        abstract: "Bits a byte of a base, two experts and their merges, on held-out text of each skill.",
        discussion: """
            The experts are the adapters “arithmetic” and “units” in Experts; “ordinary” is text that the base wrote, on \
            which a model shows what it has forgotten. Merges are computed in memory. A learned merge is found on every \
            second passage and compared with the uniform one on the others. Run it from the folder of the package.
            """
    )

    @Option(help: "The base; the fetched SmolLM2 if none.")
    var model: String?

    @Option(help: "The folder with the adapters and the held-out texts.")
    var experts = "Experts"

    @Option(help: "How many merges are tried to learn one.")
    var trials = 40

    @Option(help: "Where chance begins: searches, dropped weights, intervals.")
    var seed: UInt64 = 1

    @Option(help: "Write the table's figures to this file, as JSON.")
    var json: String?

    private static let skills = ["arithmetic", "units"]

    /// A model and the bits of every passage of every domain.
    private struct Row: Codable {
        var name: String
        var bits: [[Double]]
    }

    func run() async throws {
        let domains = try (Self.skills + ["ordinary"]).map { try SkillDomain($0, in: experts + "/held-out") }
        let checkpoint = try GGUFCheckpoint(path: model ?? FetchedModels.small)
        let renamed = try RenamedCheckpoint(checkpoint, as: .huggingFace)
        let adapters = try Self.skills.map { try LowRankAdapter(contentsOf: "\(experts)/\($0)") }
        let options = NativeOptions(contextLength: 1024, promptCacheLimit: 0)
        let base = try await NativeModel(checkpoint: checkpoint, name: "base", options: options)
        var rows = [Row(name: "base", bits: try await bits(of: base, domains))]
        for adapter in adapters {
            let model = try await base.adapted(by: [adapter])
            rows.append(Row(name: adapter.name, bits: try await bits(of: model, domains)))
        }
        for (name, merge) in try merges(of: adapters, over: renamed) {
            complain("merging by \(name)")
            var unrounded = options
            unrounded.weightFormat = .float
            let model = try await NativeModel(checkpoint: merge, name: name, options: unrounded)
            rows.append(Row(name: name, bits: try await bits(of: model, domains)))
        }
        let learned = try await learn(base, adapters, domains)
        let model = try await base.adapted(by: adapters, weights: learned.map { Float($0) })
        rows.append(Row(name: "learned", bits: try await bits(of: model, domains)))
        print(table(rows, domains))
        try await compare(base, adapters, learned, domains)
        if let json {
            try JSONEncoder().encode(rows).write(to: URL(fileURLWithPath: json), options: .atomic)
        }
    }

    /// Merges of the experts as whole models.
    private func merges(
        of adapters: [LowRankAdapter],
        over base: any Checkpoint
    ) throws -> [(String, any Checkpoint)] {
        let members = try adapters.map { try $0.applied(to: base) }
        let dare = Merge(.dare(base: base, density: 0.5, seed: seed)) { members }
        return [
            ("linear", Merge(.linear()) { members }),
            ("slerp", Merge(.slerp(t: 0.5)) { members }),
            ("task arithmetic", Merge(.taskArithmetic(base: base)) { members }),
            ("TIES", Merge(.ties(base: base, density: 0.5)) { members }),
            ("DARE", dare),
            ("Model Stock", Merge(.modelStock(base: base)) { members }),
        ]
    }

    private func bits(
        of model: any LogitModel & TokenScoring,
        _ domains: [SkillDomain]
    ) async throws -> [[Double]] {
        complain("scoring \(model.name)")
        var all: [[Double]] = []
        for domain in domains { all.append(try await domain.bits(of: model)) }
        return all
    }

    private func table(_ rows: [Row], _ domains: [SkillDomain]) -> TextTable {
        var table = TextTable("bits a byte (95 %)", "arithmetic", "units", "ordinary")
        for row in rows {
            table.add(
                [row.name] + zip(domains, row.bits).map { interval($0.rate($1, seed: seed), 3) }
            )
        }
        return table
    }

    /// The weights of the experts with which the mean of the domains' bits a byte is least, on every second passage.
    private func learn(
        _ base: NativeModel,
        _ adapters: [LowRankAdapter],
        _ domains: [SkillDomain]
    ) async throws -> [Double] {
        let known = domains.map { $0.half(0) }
        let search = try CovarianceSearch(
            from: [0.5, 0.5],
            step: 0.3,
            bounds: SearchBounds(-0.5, 1.5),
            seed: seed
        )
        let outcome = try await MergeSearch(search, limit: trials)
            .run(reporting: { progress in
                complain(
                    "trial \(progress.trials) of \(progress.limit): best \(decimal(progress.best.loss, 4))"
                )
            }) { (point) async throws(CollabError) in
                let model = try await base.adapted(by: adapters, weights: point.map { Float($0) })
                return try await Self.mix(model, known)
            }
        let weights = outcome.best.point.map { decimal($0, 3) }.joined(separator: ", ")
        print("learned weights: \(weights) after \(outcome.trials.count) trials\n")
        return outcome.best.point
    }

    /// The mean over the domains of bits a byte.
    private static func mix(
        _ model: AdaptedNativeModel,
        _ domains: [SkillDomain]
    ) async throws(CollabError) -> Double {
        var sum = 0.0
        for domain in domains {
            sum += domain.rate(try await domain.bits(of: model), Array(domain.passages.indices))
        }
        return sum / Double(domains.count)
    }

    /// The learned merge against the uniform ones, on passages that neither has seen.
    private func compare(
        _ base: NativeModel,
        _ adapters: [LowRankAdapter],
        _ learned: [Double],
        _ domains: [SkillDomain]
    ) async throws {
        let unseen = domains.map { $0.half(1) }
        func bits(_ weights: [Double]) async throws -> [[Double]] {
            let model = try await base.adapted(by: adapters, weights: weights.map { Float($0) })
            var all: [[Double]] = []
            for domain in unseen { all.append(try await domain.bits(of: model)) }
            return all
        }
        let own = try await bits(learned)
        print("\nthe mean of the domains on passages that were not learned from:")
        for (name, weights) in [("uniform, halves", [0.5, 0.5]), ("uniform, whole", [1, 1])] {
            let other = try await bits(weights)
            // Passages are drawn again domain by domain, the same ones for both merges.
            let count = unseen.map(\.passages.count).min() ?? 0
            let gain = ConfidenceInterval.bootstrap(count: count, seed: seed) { places in
                var sum = 0.0
                for (place, domain) in unseen.enumerated() {
                    sum += domain.rate(other[place], places) - domain.rate(own[place], places)
                }
                return sum / Double(unseen.count)
            }
            print("  the learned merge needs \(interval(gain, 4)) bits a byte less than \(name)")
        }
    }

    private func complain(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }
}
