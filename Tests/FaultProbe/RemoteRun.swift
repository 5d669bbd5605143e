import Collab
import CollabBackends
import Foundation

/// Calls models at servers that misbehave, and measures what the process is left with.
///
/// Each line of the list is a call: the base address, the protocol (`chat`, `messages`, `responses`, `ollama`), the
/// alternatives and the most tokens (0: as many as there are), and 1 if it is made alone and its memory measured. The
/// first call is made with connections of its own, so that whatever is set up once is there before anything is counted.
/// The key is what `COLLAB_PROBE_KEY` holds. `TRUST` as a second argument trusts every server.
///
///     end  NUMBER  answer  ENDING  MILLISECONDS  BYTES  TEXT
///     end  NUMBER  error   CODE    MILLISECONDS  BYTES  ERROR
///     left DESCRIPTORS-BEFORE  DESCRIPTORS-AFTER  RESIDENT-AFTER-ONE-PASS  RESIDENT-AFTER-TWO
struct RemoteRun {
    private struct Call: Sendable {
        var number: Int
        var base: String
        var kind: ServerKind
        var options: GenerationOptions
        var isMeasured: Bool
    }

    private let calls: [Call]
    private let trustsEveryServer: Bool

    init(list: String, trustsEveryServer: Bool) {
        self.trustsEveryServer = trustsEveryServer
        let text = (try? String(contentsOfFile: list, encoding: .utf8)) ?? ""
        let kinds: [String: ServerKind] = [
            "messages": .anthropic, "responses": .openAIResponses, "ollama": .ollama,
        ]
        calls = text.split(separator: "\n").enumerated().map { number, line in
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map { String($0) }
            var options = GenerationOptions(alternatives: Int(fields[2]) ?? 0)
            if let most = Int(fields[3]), most > 0 { options.maximumTokens = most }
            return Call(
                number: number,
                base: fields[0],
                kind: kinds[fields[1]] ?? .compatible,
                options: options,
                isMeasured: fields[4] == "1"
            )
        }
    }

    func run() async throws {
        guard let first = calls.first else { return }
        print(await outcome(of: first, over: try transport()))
        await settle()
        let before = descriptors
        var resident: [Int] = []
        do {
            let transport = try transport()
            for pass in 0..<2 {
                let lines = await pass == 0 ? outcomes(over: transport) : outcomes(over: transport)
                if pass == 0 { lines.forEach { print($0) } }
                resident.append(ProcessMeter.status("VmRSS"))
            }
        }
        await settle(until: before)
        print("left\t\(before)\t\(descriptors)\t\(resident[0])\t\(resident[1])")
    }

    private func transport() throws -> Transport {
        var settings = TransportSettings()
        settings.dangerouslyTrustsEveryServer = trustsEveryServer
        return try Transport(settings)
    }

    /// Most calls eight at a time; those that are measured one by one.
    private func outcomes(over transport: Transport) async -> [String] {
        let rest = calls.dropFirst()
        var lines: [String] = []
        await withTaskGroup(of: String.self) { group in
            for (index, call) in rest.filter({ !$0.isMeasured }).enumerated() {
                if index >= 8, let line = await group.next() { lines.append(line) }
                group.addTask { await outcome(of: call, over: transport) }
            }
            for await line in group { lines.append(line) }
        }
        for call in rest where call.isMeasured { lines.append(await outcome(of: call, over: transport)) }
        return lines
    }

    private func outcome(of call: Call, over transport: Transport) async -> String {
        let resident = call.isMeasured ? ProcessMeter.resetPeak() : 0
        let start = ContinuousClock.now
        let result: String
        do throws(CollabError) {
            let settings = RemoteSettings(transport: transport)
            let model = try RemoteModel(
                "fault-model",
                at: call.base,
                key: ProcessInfo.processInfo.environment["COLLAB_PROBE_KEY"] == nil
                    ? nil : .environment("COLLAB_PROBE_KEY"),
                server: call.kind,
                settings: settings
            )
            let response = try await model.retrying().respond(
                to: Request("hi", options: call.options),
                in: Run(budget: .duration(.seconds(3)))
            )
            result = "answer\t\(response.ending)\t\(Self.milliseconds(since: start))"
            return line(call, result, resident, response.text)
        } catch {
            var everything = "\(error)"
            dump(error, to: &everything)
            result = "error\t\(error.code)\t\(Self.milliseconds(since: start))"
            return line(call, result, resident, everything)
        }
    }

    private func line(_ call: Call, _ result: String, _ resident: Int, _ text: String) -> String {
        let bytes = call.isMeasured ? max(0, ProcessMeter.status("VmHWM") - resident) : 0
        let flat = text.split(whereSeparator: \.isNewline).joined(separator: " ").replacing("\t", with: " ")
        return "end\t\(call.number)\t\(result)\t\(bytes)\t\(flat)"
    }

    private static func milliseconds(since start: ContinuousClock.Instant) -> Int {
        Int((ContinuousClock.now - start) / .milliseconds(1))
    }

    private var descriptors: Int {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/dev/fd")) ?? []).count
    }

    /// A transport that nobody holds ends on a thread of its own.
    private func settle(until most: Int? = nil) async {
        for _ in 0..<100 {
            if let most, descriptors <= most { return }
            try? await Task.sleep(for: .milliseconds(most == nil ? 3 : 50))
        }
    }
}
