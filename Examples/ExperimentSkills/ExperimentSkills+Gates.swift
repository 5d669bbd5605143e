import Collab
import CollabBackends
import ExperimentSupport
import Foundation

extension ExperimentSkills {
    /// Trains gates of the adapters on every second passage of their skills, and measures what routing by them is worth
    /// on the others, beside gates that nobody trained.
    func measureGates(
        _ base: NativeModel,
        _ adapters: [LowRankAdapter],
        _ domains: [SkillDomain]
    ) async throws {
        var texts: [[[TokenID]]] = []
        for domain in domains.prefix(adapters.count) {
            texts.append(try domain.half(0).passages.map { try base.promptTokens(for: .completion($0)) })
        }
        let start = ContinuousClock.now
        let trained = try await AdapterGates.trained(
            on: texts,
            for: adapters,
            over: base,
            by: GateTraining(steps: gateSteps, seed: seed)
        ) { progress in
            if progress.step % 10 != 1, progress.step != progress.steps { return }
            complain(
                "gates of \(adapters[progress.adapter].name), step \(progress.step) of \(progress.steps): "
                    + "\(decimal(progress.loss, 4)) nats a token"
            )
        }
        complain("gates were trained in \(ContinuousClock.now - start)")
        let unseen = domains.map { $0.half(1) }
        var table = TextTable("bits a byte (95 %), other half", "arithmetic", "units", "ordinary")
        func add(_ name: String, _ model: any LogitModel & TokenScoring) async throws {
            let bits = try await bits(of: model, unseen)
            table.add([name] + zip(unseen, bits).map { interval($0.rate($1, seed: seed), 3) })
        }
        try await add("base", base)
        for adapter in adapters { try await add(adapter.name, try await base.adapted(by: [adapter])) }
        let halves = try await base.adapted(by: adapters, weights: adapters.map { _ in 0.5 })
        try await add("both at ½", halves)
        let gates: [(String, AdapterGates)] = [
            ("Arrow", try .arrow(adapters)),
            ("mean inputs", try await .texts(texts, for: adapters, readBy: base)),
            ("trained gates", trained),
        ]
        for (name, gates) in gates {
            for count in 1...adapters.count {
                let routed = try await base.adapted(by: adapters, gates: gates, choosing: count)
                try await add("\(name), \(count) of \(adapters.count)", routed)
            }
        }
        print("\(table)\n")
    }
}
