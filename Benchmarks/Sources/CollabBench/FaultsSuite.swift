import ArgumentParser
import Collab
import CollabBackends
import Foundation

/// What becomes of a call when the server is at fault, beside the official Python client.
struct FaultsSuite: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "faults",
        abstract: "Compare what clients make of a server's faults.",
        discussion:
            "Prints a table in Markdown. Both clients retry as they do by default and are patient for 3 s."
    )

    @Option(help: "A python with the package openai.")
    var peerPython: String

    /// What can be answered all the same.
    static let harmless = [
        "status=429,retry_after=1,times=1", "status=429,retry_after_ms=300,times=1", "status=503,times=2",
        "reset=before,times=1", "nodone", "nofinish", "finish=weird", "toolfrag", "mid=emptychoices",
        "mid=surrogate", "mid=nan",
        "mid=html", "mid=badutf8", "ctype=text%2Fhtml", "ignore_stream", "dup=final", "dup=all", "frame=cr",
        "frame=bom",
        "frame=multiline", "split=1", "split=7", "usage=none", "usage=every", "after_done=garbage",
        "hangdone=3",
        "http10",
    ]

    /// What should end with an error; silence should, since the caller is patient for 3 s only, and so should being sent
    /// to another host, which would be told the question.
    static let harmful = [
        "status=429,body=quota", "status=529", "status=429,should_retry=false", "status=503,retry_after=0",
        "status=503,retry_after=1e9",
        "status=500,body=echo", "status=400,body=detail", "status=401,body=string",
        "reset=billed", "reset=after_headers", "reset=mid", "truncate=eof", "truncate=fin",
        "truncate=halfevent",
        "stall=30", "stall_pings=8", "ttfb=10", "mid=garbage", "mid=error", "mid=error,body=string",
        "redirect=other", "redirect=file", "nonstream=garbage", "nonstream=empty", "nonstream=html",
        "nonstream=nochoices", "nonstream=nullcontent", "nonstream=error200", "nonstream=clen_short",
        "nonstream=clen_cut", "nonstream=deep",
    ]

    func run() async throws {
        let server = try FaultServerProcess()
        let faults = Self.harmless + Self.harmful
        let theirs = try PeerScript(python: peerPython, "openai_faults.py").run([server.url] + faults)
        guard theirs.count == faults.count else {
            throw ValidationError("The peer did not end; does its python have the package openai?")
        }
        print("| fault | openai for Python | Collab | |")
        print("| --- | --- | --- | --- |")
        var verdicts: [String: Int] = [:]
        for (index, fault) in faults.enumerated() {
            let expectsError = index >= Self.harmless.count
            var ours = FaultRow(fault: fault, expectsError: expectsError)
            try await ask(for: &ours, server, id: "own\(index)")
            var peer = FaultRow(fault: fault, expectsError: expectsError, json: theirs[index])
            peer.count(try server.statistics("peer\(index)"))
            let verdict = ours.verdict(beside: peer)
            verdicts[verdict, default: 0] += 1
            print("| `\(fault)` | \(peer.description) | \(ours.description) | \(verdict) |")
        }
        print(
            "\n\(verdicts.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", "))"
        )
    }

    /// Makes a call as anybody would, and writes down what comes of it.
    private func ask(for row: inout FaultRow, _ server: FaultServerProcess, id: String) async throws {
        // Answers are always asked for as streams, so a server that answers with a whole one has to be told to.
        let isWhole = row.fault.hasPrefix("nonstream")
        let spec = isWhole ? "ignore_stream,\(row.fault)" : row.fault
        var settings = RemoteSettings()
        settings.transport = try Transport(TransportSettings(proxy: .none))
        settings.timeouts = Timeouts(connect: .seconds(3), firstByte: .seconds(3), idle: .seconds(3))
        let model = try RemoteModel(
            "m",
            at: server.base(spec, id: id),
            key: Secret { "sk-canary-key" },
            settings: settings
        ).retrying()
        let start = ContinuousClock.now
        do throws(CollabError) {
            let answer: Response
            if isWhole {
                answer = try await model.respond(to: "hi")
                row.text = answer.text
            } else {
                var last: Response?
                for try await event in model.stream("hi") {
                    switch event {
                    case .text(let piece): row.text += piece
                    case .response(let response): last = response
                    default: break
                    }
                }
                guard let last else { throw CollabError.cancelled }
                answer = last
            }
            row.ending = answer.ending.named
            row.arguments = answer.toolCalls.map(\.arguments).joined(separator: " ")
        } catch {
            row.outcome = "error \(error.code)"
            if "\(error)".contains("canary") { row.text = "the key is shown" }
        }
        row.seconds = seconds(since: start)
        row.count(try server.statistics(id))
    }
}

extension FaultRow {
    /// What the peer's program printed.
    fileprivate init(fault: String, expectsError: Bool, json: [String: Any]) {
        self.init(fault: fault, expectsError: expectsError)
        text = json["text"] as? String ?? ""
        outcome = json["outcome"] as? String ?? ""
        ending = json["ending"] as? String ?? ""
        arguments = json["arguments"] as? String ?? ""
        seconds = json["seconds"] as? Double ?? 0
    }
}

extension Response.Ending {
    /// As the protocol names it, so that it can be compared with the peer's.
    fileprivate var named: String {
        switch self {
        case .finished: "stop"
        case .tokenLimit: "length"
        case .toolCalls: "tool_calls"
        case .filtered: "content_filter"
        case .refused: "refusal"
        case .budgetExhausted: "budget"
        case .other("unknown"): "none"
        case .other(let name): name
        }
    }
}
