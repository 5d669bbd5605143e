import Foundation

/// Opens hostile files and calls faulty servers in a process of its own, so that whoever asked survives whatever they
/// do, and so that what stays behind can be counted.
///
///     FaultProbe files LIST [FROM]     opens the files of a list; see ``FileRun``
///     FaultProbe templates             renders templates from the standard input; see ``TemplateRun``
///     FaultProbe remote LIST [TRUST]   calls servers; see ``RemoteRun``
@main
enum FaultProbe {
    static func main() async {
        let arguments = CommandLine.arguments.dropFirst()
        switch (arguments.first, arguments.count) {
        case ("files", 2...3):
            let list = arguments[arguments.startIndex + 1]
            await FileRun(list: list).run(from: arguments.count == 3 ? Int(arguments.last!) ?? 0 : 0)
        case ("templates", 1):
            TemplateRun.run()
        case ("remote", 2...3):
            let list = arguments[arguments.startIndex + 1]
            let run = RemoteRun(list: list, trustsEveryServer: arguments.last == "TRUST")
            do { try await run.run() } catch {
                FileHandle.standardError.write(Data("\(error)\n".utf8))
                exit(1)
            }
        default:
            FileHandle.standardError.write(
                Data("usage: FaultProbe files LIST [FROM] | templates | remote LIST [TRUST]\n".utf8)
            )
            exit(2)
        }
    }
}
