/// Moves a model along a text byte by byte.
struct ByteReader: Sendable {
    let model: any LogitModel
    let lexicon: ByteLexicon
    let pruning: BytePruning

    /// The state of a decoder that stands between tokens.
    func beam(at decoder: any Decoder, _ logits: Logits, _ statistics: inout ByteStatistics)
        throws(CollabError) -> ByteBeam
    {
        let hypothesis = ByteHypothesis(
            context: try context(decoder, logits, &statistics),
            partial: lexicon.root,
            weight: 1
        )
        guard let beam = ByteBeam([hypothesis], lexicon) else {
            throw CollabError(.nothingToSample, "“\(model.name)” gives no byte any probability.")
        }
        return beam
    }

    /// The state after one more byte; the earlier one stays valid.
    ///
    /// If the byte has left all segmentations that were followed, the tokens under way are spelled anew.
    func push(
        _ byte: UInt8,
        onto beam: ByteBeam,
        after written: [UInt8],
        _ statistics: inout ByteStatistics
    ) async throws(CollabError) -> ByteBeam {
        if let next = try await advance(beam, byte, &statistics) { return next }
        statistics.recoveries += 1
        return try await recover(beam, byte, after: written, &statistics)
    }

    /// The state after one more byte, or `nil` if no segmentation goes on with it.
    private func advance(
        _ beam: ByteBeam,
        _ byte: UInt8,
        _ statistics: inout ByteStatistics
    ) async throws(CollabError) -> ByteBeam? {
        let (kept, droppedShare) = pruning.kept(beam.candidates(byte, lexicon))
        // Forks are taken one after another, since a decoder serves one task; the passes run side by side.
        var forks: [(decoder: any Decoder, token: TokenID)] = []
        for candidate in kept {
            guard let token = candidate.token else { continue }
            forks.append((try await beam.hypotheses[candidate.parent].context.decoder.fork(), token))
        }
        let rows = try await concurrently(forks) { (fork) async throws(CollabError) in
            try await fork.decoder.append(fork.token)
        }
        var hypotheses: [ByteHypothesis] = []
        var passes = 0
        for candidate in kept {
            var context = beam.hypotheses[candidate.parent].context
            if candidate.token != nil {
                context = try self.context(forks[passes].decoder, rows[passes], &statistics)
                passes += 1
            }
            hypotheses.append(
                ByteHypothesis(context: context, partial: candidate.partial, weight: candidate.weight)
            )
        }
        statistics.forwardPasses += passes
        guard let next = ByteBeam(hypotheses, lexicon) else { return nil }
        statistics.mostHypotheses = max(statistics.mostHypotheses, hypotheses.count)
        statistics.droppedSum += droppedShare
        statistics.droppedMaximum = max(statistics.droppedMaximum, droppedShare)
        return next
    }

    /// Spells the bytes since the most probable hypothesis's last whole token with the fewest tokens, reads all of
    /// them but the last, and follows the segmentations of what is left.
    private func recover(
        _ beam: ByteBeam,
        _ byte: UInt8,
        after written: [UInt8],
        _ statistics: inout ByteStatistics
    ) async throws(CollabError) -> ByteBeam {
        let masses = beam.hypotheses.map { $0.weight * $0.context.masses.sum(lexicon.longer($0.partial)) }
        let best = masses.indices.max { (masses[$0], $1) < (masses[$1], $0) } ?? 0
        let hypothesis = beam.hypotheses[best]
        let text = written.suffix(hypothesis.partial.length) + [byte]
        guard let spelling = lexicon.spelling(of: Array(text)), let last = spelling.last else {
            throw CollabError(
                .vocabularyMismatch,
                """
                “\(model.name)” has no tokens that spell “\(String(decoding: text, as: UTF8.self))”, which the \
                other members chose. Use a log-linear fusion, in which every member has a veto.
                """
            )
        }
        var context = hypothesis.context
        let whole = Array(spelling.dropLast())
        if !whole.isEmpty {
            let decoder = try await context.decoder.fork()
            let rows = try await decoder.append(whole, logits: .last)
            guard let logits = rows.last else { throw impossible }
            context = try self.context(decoder, logits, &statistics)
            statistics.forwardPasses += 1
        }
        let start = ByteHypothesis(context: context, partial: lexicon.root, weight: 1)
        guard var next = ByteBeam([start], lexicon) else { throw impossible }
        for byte in model.tokenizer.bytes(of: last) {
            guard let further = try await advance(next, byte, &statistics) else { throw impossible }
            next = further
        }
        return next
    }

    private var impossible: CollabError {
        CollabError(
            .nothingToSample,
            """
            “\(model.name)” gives what the other members chose no probability at all. Use a log-linear fusion, in \
            which every member has a veto.
            """
        )
    }

    /// What comes next behind some bytes of whole characters and the beginning of one.
    func logits(of beam: ByteBeam, after written: [UInt8]) throws(CollabError) -> Logits {
        if let logits = beam.logits(at: CharacterPlace(after: written)) { return logits }
        throw CollabError(
            .nothingToSample,
            "“\(model.name)” cannot go on within a character: its tokens spell no rest of it."
        )
    }

    private func context(
        _ decoder: any Decoder,
        _ logits: Logits,
        _ statistics: inout ByteStatistics
    ) throws(CollabError) -> ByteContext {
        let masses = try NextTokenMasses(logits, lexicon, name: model.name)
        statistics.maskedMaximum = max(statistics.maskedMaximum, masses.masked)
        return ByteContext(decoder: decoder, masses: masses)
    }
}
