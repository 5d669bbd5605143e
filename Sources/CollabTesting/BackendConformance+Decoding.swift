public import Collab

extension BackendConformance where Model: LogitModel {
    /// Checks the promises of ``LogitModel`` and ``Decoder``; run it beside ``violations()``.
    ///
    /// - Parameter tolerance: how far logits may lie apart that should be equal but are computed in another order.
    public func decodingViolations(tolerance: Float = 1e-3) async -> [Violation] {
        do throws(CollabError) {
            var found: [Violation] = []
            found += try await logitsCoverTheVocabulary()
            found += try await batchesAreTheSameAsSingleTokens(tolerance)
            found += try await forksAreIndependent(tolerance)
            found += try await truncationRollsBack(tolerance)
            found += try await badTokensAreRefused()
            return found
        } catch {
            return [Violation(promise: "a decoder reads the prompt", observation: "it failed: \(error)")]
        }
    }

    /// Every decoder gives a logit for each id, and they are numbers.
    private func logitsCoverTheVocabulary() async throws(CollabError) -> [Violation] {
        let start = try await model.startDecoding(request)
        var found: [Violation] = []
        // Rows may be padded behind the vocabulary's end.
        if start.logits.count < model.tokenizer.count {
            found.append(
                Violation(
                    promise: "there is a logit for every token",
                    observation: "\(start.logits.count) logits for \(model.tokenizer.count) tokens"
                )
            )
        }
        if start.logits.values.contains(where: \.isNaN) {
            found.append(Violation(promise: "logits are numbers", observation: "there is a NaN"))
        }
        if start.decoder.position == 0 || start.promptTokens < 1 {
            found.append(
                Violation(
                    promise: "a started decoder has read the prompt",
                    observation: "it has read nothing"
                )
            )
        }
        return found
    }

    /// Reading tokens together gives the logits that reading them one by one gives.
    private func batchesAreTheSameAsSingleTokens(_ tolerance: Float) async throws(CollabError) -> [Violation]
    {
        let tokens = try model.promptTokens(for: request)
        let together = try await model.makeDecoder().append(tokens, logits: .all)
        let decoder = try await model.makeDecoder()
        for (index, token) in tokens.enumerated() {
            let alone = try await decoder.append(token)
            if let distance = distance(alone, together[index]), distance > tolerance {
                return [
                    Violation(
                        promise: "tokens read together and one by one give the same logits",
                        observation: "they differ by \(distance) after token \(index + 1)"
                    )
                ]
            }
        }
        return []
    }

    /// What one fork reads does not disturb the other.
    private func forksAreIndependent(_ tolerance: Float) async throws(CollabError) -> [Violation] {
        let tokens = try model.promptTokens(for: request)
        let start = try await model.startDecoding(request)
        let fork = try await start.decoder.fork()
        _ = try await fork.append(tokens, logits: .none)
        let after = try await start.decoder.append(tokens[0])
        let fresh = try await model.startDecoding(request).decoder.append(tokens[0])
        guard let distance = distance(after, fresh), distance > tolerance else { return [] }
        return [
            Violation(promise: "forks do not disturb each other", observation: "logits differ by \(distance)")
        ]
    }

    /// After rolling back, a decoder goes on as if nothing had been read since.
    private func truncationRollsBack(_ tolerance: Float) async throws(CollabError) -> [Violation] {
        let promise = "truncating rolls back"
        let tokens = try model.promptTokens(for: request)
        let start = try await model.startDecoding(request)
        let position = start.decoder.position
        let before = try await start.decoder.append(tokens[0])
        _ = try await start.decoder.append(tokens, logits: .none)
        try await start.decoder.truncate(to: position)
        if start.decoder.position != position {
            return [
                Violation(
                    promise: promise,
                    observation: "the position is \(start.decoder.position), not \(position)"
                )
            ]
        }
        let after = try await start.decoder.append(tokens[0])
        guard let distance = distance(before, after), distance > tolerance else { return [] }
        return [Violation(promise: promise, observation: "logits differ by \(distance)")]
    }

    /// Ids outside the vocabulary, and no tokens at all, are refused and leave the decoder as it was.
    private func badTokensAreRefused() async throws(CollabError) -> [Violation] {
        let decoder = try await model.startDecoding(request).decoder
        let position = decoder.position
        for bad in [[TokenID(-1)], [TokenID.max], []] {
            let promise = "tokens \(bad) are refused with invalidRequest"
            do throws(CollabError) {
                _ = try await decoder.append(bad, logits: .last)
                return [Violation(promise: promise, observation: "they were read")]
            } catch {
                if error.code != .invalidRequest {
                    return [Violation(promise: promise, observation: "it failed with \(error.code)")]
                }
            }
            if decoder.position != position {
                return [
                    Violation(promise: "a refused append changes nothing", observation: "the position moved")
                ]
            }
        }
        return []
    }

    /// The greatest difference of two rows of logits; `nil` if they are equal. Infinities count as equal.
    private func distance(_ left: Logits, _ right: Logits) -> Float? {
        if left.count != right.count { return .infinity }
        return zip(left.values, right.values).map { $0 == $1 ? 0 : abs($0 - $1) }.max()
    }
}
